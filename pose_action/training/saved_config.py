"""A config file that returns a run's config.json, whose path is its option.

`config_names` substitutes it for a path to a config.json, so that any field can be
overridden: --config=RUN/config.json --config.eval.views=1.
"""

from __future__ import annotations

import difflib
import json
import os
import pathlib
from typing import Any

import ml_collections

from pose_action.host.user_paths import user_path
from pose_action.training.past_configs import with_missing_fields


def get_config(path: str | os.PathLike[str]) -> ml_collections.ConfigDict:
  """A run's saved config; a field that it lacks has its past default.

  Raises:
    ValueError: if there is no such file, or it does not hold a config.
    OSError: if the file cannot be read.
  """
  file = user_path(path)
  if not file.is_file():
    raise ValueError(_missing(file))
  try:
    fields = json.loads(file.read_text('utf-8'))
  except (ValueError, RecursionError) as error:
    raise ValueError(
      f'{path} is no JSON ({error}); give the config.json of a workdir'
    ) from error
  if not isinstance(fields, dict) or not (
    isinstance(fields.get('model'), dict) or fields.get('members')
  ):
    raise ValueError(
      f"{path} does not hold a run's config; give the config.json of a workdir"
    )
  complete = with_missing_fields(fields).to_dict()
  return ml_collections.ConfigDict(_with_tuples(complete)).lock()


def _missing(file: pathlib.Path) -> str:
  """Says that a file does not exist, and which files have a similar name."""
  if not file.parent.is_dir():
    return f'{file} does not exist, and neither does the folder {file.parent}'
  beside = sorted(other.name for other in file.parent.glob('*.json'))
  nearest = difflib.get_close_matches(file.name, beside, n=3, cutoff=0.4)
  hint = f'did you mean {" or ".join(map(repr, nearest))}?' if nearest else ''
  return f'{file} does not exist; {hint or "give the config.json of a workdir"}'


def _with_tuples(value: Any) -> Any:
  """Turns lists back into tuples, which JSON does not have."""
  if isinstance(value, dict):
    return {name: _with_tuples(field) for name, field in value.items()}
  return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
