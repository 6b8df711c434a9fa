"""What is wrong with --config and --config.FIELD on a command line, in one line."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  import ml_collections

_FIELD = re.compile(r'--?(?:no)?config\.([^=]+)(=?)')
_NEAREST = 3  # names that a message suggests at most


def config_fault(args: Sequence[str]) -> str:
  """What is wrong with a command line's config or with a field that it sets; else ''.

  Args:
    args: the command line, with the config's file as `config_names.with_paths` gives it.
  """
  from pose_action.training.shipped_configs import load_config

  given = _given_config(args)
  if not given:
    return ''
  try:
    config = load_config(given)
  except Exception as error:
    return _failure(given.partition(':')[0], error)
  return _wrong_field(args, config)


def _given_config(args: Sequence[str]) -> str:
  """The value of --config; '' without any."""
  for i, arg in enumerate(args):
    if arg == '--':
      break
    if arg.startswith('--config='):
      return arg.partition('=')[2]
    if arg == '--config' and i + 1 < len(args):
      return args[i + 1]
  return ''


def _failure(file: str, error: Exception) -> str:
  """The error of a config; with its line, if the given file itself is at fault."""
  message = ' '.join(str(error).split())
  if isinstance(error, SyntaxError):
    return f'{error.filename}, line {error.lineno}: {error.msg}; correct the config'
  line = traceback.extract_tb(error.__traceback__)[-1]
  if line.filename == file:
    reason = f'{type(error).__name__}: {message}'
    return f'{file}, line {line.lineno}: {reason}; correct the config'
  return message if isinstance(error, ValueError) else f'{file}: {error!r}'


def _wrong_field(args: Sequence[str], config: ml_collections.ConfigDict) -> str:
  for arg in args:
    if arg == '--':
      break
    if not (match := _FIELD.match(arg)):
      continue
    field = re.sub(r'\[[^]]*\]', '', match[1])  # map_size[0] sets a part of map_size.
    if fault := _fault_of_field(field, arg, config):
      return fault
  return ''


def _fault_of_field(field: str, arg: str, config: ml_collections.ConfigDict) -> str:
  node: Any = config
  seen = ''
  for part in field.split('.'):
    if not hasattr(node, 'items'):
      return f'{arg} sets a field of config.{seen}, which is a value: {node!r}'
    if part not in node:
      names = nearest_names(field, [*_names(config)])
      if not names:
        names = sorted(f'{seen}.{name}'.lstrip('.') for name in node)
        where = f'config.{seen}' if seen else 'config'
        return f'{arg}: there is no config.{field}; {where} has {", ".join(names)}'
      return f'{arg}: there is no config.{field}; did you mean {" or ".join(names)}?'
    node, seen = node[part], f'{seen}.{part}'.lstrip('.')
  if hasattr(node, 'items'):
    fields = ', '.join(f'config.{seen}.{name}' for name in node)
    return f'{arg}: config.{field} is a group; set one of its fields: {fields}'
  return ''


def nearest_names(field: str, names: Sequence[str]) -> list[str]:
  """The dotted names that a misspelt one may stand for, nearest first; 3 at most.

  A field's own name in another group, similar dotted names, then similar own names.
  """
  own = field.rpartition('.')[2]
  elsewhere = [name for name in names if name.rpartition('.')[2] == own]
  similar = difflib.get_close_matches(field, names, n=_NEAREST, cutoff=0.8)
  if not elsewhere and not similar:
    own_names = dict.fromkeys(name.rpartition('.')[2] for name in names)
    close = difflib.get_close_matches(own, [*own_names], n=_NEAREST, cutoff=0.75)
    similar = [name for name in names if name.rpartition('.')[2] in close]
  # A similar name in the same group is likelier than the same name in another group.
  ordered = dict.fromkeys([*similar, *elsewhere])
  return [f'config.{name}' for name in ordered][:_NEAREST]


def _names(config: ml_collections.ConfigDict, prefix: str = '') -> Iterator[str]:
  """The dotted names of all fields and groups."""
  for name, value in config.items():
    yield f'{prefix}{name}'
    if hasattr(value, 'items'):
      yield from _names(value, f'{prefix}{name}.')
