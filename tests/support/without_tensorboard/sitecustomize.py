"""Hides TensorBoard, whose import takes seconds: Python imports this when it starts."""

import importlib.machinery

_find = importlib.machinery.PathFinder.find_spec
importlib.machinery.PathFinder.find_spec = lambda name, *more: (
  None if name == 'tensorboard' else _find(name, *more)
)
