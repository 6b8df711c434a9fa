"""Checks on a data set's clips, splits and poses, and their report."""
