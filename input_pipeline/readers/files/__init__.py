"""Reads single files, whatever pose format they belong to."""
