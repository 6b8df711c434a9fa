"""Opens whatever a user names as clips: poses, data sets on disk, videos, cameras."""
