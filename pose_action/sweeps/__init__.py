"""Sweeps: trains the runs of a table of a paper, and prints the table."""
