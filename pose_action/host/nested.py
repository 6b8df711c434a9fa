"""Flattens nested dicts, such as a config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flattened(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
  """Returns one level of dotted names: `{'a': {'b': 1}}` becomes `{'a.b': 1}`."""
  flat = {}
  for name, value in tree.items():
    if isinstance(value, Mapping):
      flat |= flattened(value, f'{prefix}{name}.')
    else:
      flat[f'{prefix}{name}'] = value
  return flat
