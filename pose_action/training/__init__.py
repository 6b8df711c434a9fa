"""Training and evaluating a run: data, steps, losses, checkpoints, resuming."""
