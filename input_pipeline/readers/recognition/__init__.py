"""Tells from the content of files which pose format they have."""
