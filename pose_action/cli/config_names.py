"""Replaces the name of a shipped config on a command line by its path."""

from __future__ import annotations

from collections.abc import Sequence

from pose_action.training.shipped_configs import config_path

_FLAG = '--config='


def with_paths(args: Sequence[str]) -> list[str]:
  """The command line, with what `--config` names found; see `config_path`.

  Raises:
    ValueError: where there is no such config.
  """
  found = [*args]
  for i, arg in enumerate(args):
    if arg == '--':
      break
    if arg.startswith(_FLAG):
      found[i] = _FLAG + config_path(arg.removeprefix(_FLAG))
    elif arg == '--config' and i + 1 < len(args):
      found[i + 1] = config_path(args[i + 1])
  return found
