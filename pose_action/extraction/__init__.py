"""Runs a pose network on videos and writes data sets of its maps and keypoints."""
