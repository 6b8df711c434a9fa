"""Reads tables of joints: cells, then columns, then videos, then people by frame."""
