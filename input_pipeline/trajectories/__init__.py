"""Keypoints to trajectories, positions of joints over time, in pure JAX."""
