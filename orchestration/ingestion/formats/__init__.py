"""The formats a file may be landed in, one module a family."""
