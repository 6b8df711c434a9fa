"""The programs behind `pose-action VERB`, main.py and tools/: one file per verb."""
