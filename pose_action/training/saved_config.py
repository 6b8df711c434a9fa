"""A config file whose option is the path of a run's config.json, and which returns it.

`config_names` puts it where a user gives the config of a run, so that fields can be
overridden as those of any other config: --config=RUN/config.json --config.eval.views=1.
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import ml_collections


def get_config(path: str | os.PathLike[str]) -> ml_collections.ConfigDict:
  """The config that a run saved.

  Raises:
    ValueError: if the file does not hold a config.
  """
  fields = json.loads(pathlib.Path(path).expanduser().read_text('utf-8'))
  if not isinstance(fields, dict) or 'model' not in fields:
    raise ValueError(f'{path} does not hold the config of a run')
  return ml_collections.ConfigDict(_with_tuples(fields)).lock()


def _with_tuples(value: Any) -> Any:
  """Lists as tuples, which they were before they were saved as JSON."""
  if isinstance(value, dict):
    return {name: _with_tuples(field) for name, field in value.items()}
  return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
