"""Finds a user's videos and opens each as a clip."""
