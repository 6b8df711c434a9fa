"""The embedded data set: generated actions of stick figures."""
