"""Data sets' official annotation files: classes, splits, labels and boxes."""
