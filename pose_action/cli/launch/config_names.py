"""Replaces the configs named on a command line by their files."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from pose_action.cli.launch.program import UsageError
from pose_action.training import saved_config
from pose_action.training.shipped_configs import config_path

_SAVED = pathlib.Path(saved_config.__file__)
_FLAG = '--config='


def with_paths(args: Sequence[str]) -> list[str]:
  """The command line, with the value of --config as a config file and its options.

  The value may be a file, the name of a shipped config (see `config_path`), or a run's
  `config.json`, for which it becomes a config file that returns what was saved.

  Raises:
    ValueError: if there is neither such a file nor a shipped config of that name, or a
      `config.json` does not hold a config.
  """
  found = [*args]
  for i, arg in enumerate(args):
    if arg == '--':
      break
    if arg.startswith(_FLAG):
      found[i] = _FLAG + _file_and_options(arg.removeprefix(_FLAG))
    elif arg == '--config' and i + 1 < len(args):
      found[i + 1] = _file_and_options(args[i + 1])
  return found


def _file_and_options(config: str) -> str:
  file, colon, options = config.partition(':')
  if not file.endswith('.json'):
    return config_path(config)
  if colon:
    raise UsageError(
      f'{file} takes no options, but got {options!r}; set fields with --config.FIELD'
    )
  # Here, because ml_collections would report the reason late and without the file.
  saved_config.get_config(file)
  return f'{_SAVED}:{file}'
