"""A model's input maps, rendered or stored, with augmentation; pure JAX."""
