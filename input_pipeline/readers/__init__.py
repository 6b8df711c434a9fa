"""Reads pose files in other tools' formats as sources of clips."""
