"""Late fusion: combines the scores of several models for the same videos."""
