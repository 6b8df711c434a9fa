"""Shows clips with what a model says of them: as a video, a GIF, or a page."""
