"""The user's disk and terminal: atomic files, text tables, progress."""
