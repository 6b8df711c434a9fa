"""Pose data sets on disk or in an object store."""
