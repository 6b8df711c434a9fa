"""Experiments: one file for each, and one for each sweep over a paper's tables."""
