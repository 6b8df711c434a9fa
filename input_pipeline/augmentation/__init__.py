"""Random changes to training clips, the same draw for every representation."""
