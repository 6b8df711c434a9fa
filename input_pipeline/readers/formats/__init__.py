"""One module per pose format."""
