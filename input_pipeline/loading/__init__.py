"""Batches of clips: frame sampling, shuffling and padding with grain."""
