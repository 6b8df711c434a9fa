"""Nested dicts, such as a config, as one level of dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flattened(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
  """`{'a': {'b': 1}, 'c': 2}` as `{'a.b': 1, 'c': 2}`."""
  flat = {}
  for name, value in tree.items():
    if isinstance(value, Mapping):
      flat |= flattened(value, f'{prefix}{name}.')
    else:
      flat[f'{prefix}{name}'] = value
  return flat
