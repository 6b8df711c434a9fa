"""Finds a config by name, so that shipped experiments run from any folder."""

from __future__ import annotations

import difflib
import pathlib
import runpy

import ml_collections

from pose_action.host.user_paths import user_path

SHIPPED = pathlib.Path(__file__).parents[2] / 'configs'


def config_path(config: str) -> str:
  """The path and options of a config given as a file or by name.

  An existing file is returned unchanged. Otherwise `pa3d_jhmdb:quick`,
  `pa3d_jhmdb.py:quick` and `configs/pa3d_jhmdb.py:quick` all mean the shipped file.

  Raises:
    ValueError: if neither a file nor a shipped config has this name.
  """
  file, colon, options = config.partition(':')
  path = user_path(file)
  if path.is_file():
    return f'{path}{colon}{options}'
  if path.parent in (pathlib.Path(), pathlib.Path('configs')):
    shipped = SHIPPED / f'{path.name.removesuffix(".py")}.py'
    if shipped.is_file():
      return f'{shipped}{colon}{options}'
  raise ValueError(_unknown(file, path))


def load_config(config: str) -> ml_collections.ConfigDict:
  """Loads a config by file or name, with options after a colon.

  Raises:
    ValueError: if there is no such config, it is not an experiment, or it does not know
      an option.
  """
  path, _, options = config_path(config).partition(':')
  get_config = runpy.run_path(path).get('get_config')
  if get_config is None:
    raise ValueError(
      f'{path} has no get_config, so it is not an experiment; give another config'
    )
  return get_config(options) if options else get_config()


def _unknown(file: str, path: pathlib.Path) -> str:
  """Says that a config does not exist, and which have the nearest names."""
  if (path / 'config.json').is_file():
    return f'{file!r} is a folder; give {path / "config.json"} as the config'
  shipped = sorted(found.stem for found in SHIPPED.glob('[!_]*.py'))
  own = [] if path.parent.resolve() == SHIPPED else path.parent.glob('*.py')
  beside = difflib.get_close_matches(path.name, [f.name for f in own], n=3, cutoff=0.7)
  nearest = [
    *(str(path.with_name(name)) for name in beside),
    *difflib.get_close_matches(path.stem, shipped, n=3, cutoff=0.5),
  ][:3]
  if nearest:
    names = ' or '.join(map(repr, nearest))
    return f'there is no config file {file!r}; did you mean {names}?'
  return f'there is no config file {file!r}; shipped are {", ".join(shipped)}'
