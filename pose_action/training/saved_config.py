"""A config file that returns a run's config.json, whose path is its option.

`config_names` substitutes it for a path to a config.json, so that any field can be
overridden: --config=RUN/config.json --config.eval.views=1.
"""

from __future__ import annotations

import json
import os
from typing import Any

import ml_collections

from pose_action.host.user_paths import user_path
from pose_action.training.past_configs import with_missing_fields


def get_config(path: str | os.PathLike[str]) -> ml_collections.ConfigDict:
  """A run's saved config; a field that it lacks has its past default.

  Raises:
    OSError: if the file cannot be read.
    ValueError: if the file does not hold a config.
  """
  fields = json.loads(user_path(path).read_text('utf-8'))
  if not isinstance(fields, dict) or 'model' not in fields:
    raise ValueError(
      f"{path} does not hold a run's config; give the config.json of a workdir"
    )
  complete = with_missing_fields(fields).to_dict()
  return ml_collections.ConfigDict(_with_tuples(complete)).lock()


def _with_tuples(value: Any) -> Any:
  """Turns lists back into tuples, which JSON does not have."""
  if isinstance(value, dict):
    return {name: _with_tuples(field) for name, field in value.items()}
  return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
