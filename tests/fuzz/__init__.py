"""Files that nobody would write, over every decoder and declaration: `python -m tests.fuzz --help`."""
