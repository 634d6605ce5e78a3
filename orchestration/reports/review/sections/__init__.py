"""The sections of the review page, a file each."""
