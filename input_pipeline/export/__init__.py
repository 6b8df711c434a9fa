"""Writes a source of clips to disk as a pose data set."""
