"""The lake: the typed, pseudonymised truth on disk, and what of it counts. How a file was read is unknown here."""
