"""Finds a config by name, so that shipped experiments run from any folder."""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Sequence

from pose_action.cli.program import UsageError

SHIPPED = pathlib.Path(__file__).parents[2] / 'configs'
_FLAG = '--config='


def with_paths(args: Sequence[str]) -> list[str]:
  """The command line with the name of a shipped config replaced by its path.

  A file that exists stays as it is. Otherwise `pa3d_jhmdb:quick`, `pa3d_jhmdb.py:quick`
  and `configs/pa3d_jhmdb.py:quick` all mean the shipped file.

  Raises:
    UsageError: where there is neither such a file nor a shipped config of the name.
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


def config_path(config: str) -> str:
  """Path and options of a config that is given as a file or by name."""
  file, colon, options = config.partition(':')
  path = pathlib.Path(file).expanduser()
  if path.is_file():
    return f'{path}{colon}{options}'
  if path.parent in (pathlib.Path(), pathlib.Path('configs')):
    shipped = SHIPPED / f'{path.name.removesuffix(".py")}.py'
    if shipped.is_file():
      return f'{shipped}{colon}{options}'
  known = sorted(f.stem for f in SHIPPED.glob('[!_]*.py'))
  nearest = difflib.get_close_matches(path.stem, known, n=1, cutoff=0.4)
  hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
  raise UsageError(
    f'there is no config file {file!r}{hint} Shipped configs: {", ".join(known)}'
  )
