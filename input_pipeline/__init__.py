"""From data sets on disk to batches: poses, maps, readers, storage and loading."""
