"""Typed config strings: the options in `--config=file.py:split=2,quick`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections

_SYNTAX = {
  bool: 'true or false (or the bare name for true)',
  int: 'a whole number',
  float: 'a number',
  str: 'a word',
  tuple: 'words joined by +',
}


def parse_arg(
  arg: str | None,
  *,
  choices: Mapping[str, Sequence[Any]] | None = None,
  **defaults: bool | int | float | str | tuple[str, ...],
) -> ml_collections.ConfigDict:
  """Overrides `defaults` with a config string; each value keeps its default's type.

  `parse_arg('split=2,quick,streams=a+b', split=1, quick=False, streams=('a',))` gives
  split 2, quick True, streams ('a', 'b'). Source: after big_vision's `parse_arg`.

  Args:
    arg: `name=value` pairs separated by commas. A bare name sets a bool to true; the
      words of a tuple are joined by +. None or '' keeps the defaults.
    choices: allowed values by name; for a tuple, allowed words.
    **defaults: every allowed name with its default value.

  Returns:
    A locked ConfigDict with all names.

  Raises:
    ValueError: for an unknown or repeated name, a value of another type, and a value
      that is not among the choices. absl reports it as an error of the flag.
    TypeError: for a default whose type a string cannot express.
  """
  choices = choices or {}
  for name, default in defaults.items():
    if type(default) not in _SYNTAX:
      raise TypeError(
        f'the default of {name!r} is {default!r}, but config strings can express only'
        f' {", ".join(kind.__name__ for kind in _SYNTAX)}'
      )
  given: dict[str, Any] = {}
  for item in arg.split(',') if arg else ():
    name, equals, text = (part.strip() for part in item.partition('='))
    if name not in defaults:
      raise ValueError(_unknown_name(name, defaults))
    if name in given:
      raise ValueError(f'config string {arg!r} gives {name!r} more than once')
    given[name] = _parse_value(name, text if equals else None, type(defaults[name]))
    _check_choice(name, given[name], choices.get(name))
  return ml_collections.ConfigDict({**defaults, **given}).lock()


def _parse_value(name: str, text: str | None, kind: type) -> Any:
  """Parses `text`, which is None for a bare name."""
  try:
    if kind is bool:
      return {None: True, 'true': True, 'false': False}[text and text.lower()]
    if not text:
      raise ValueError('no value')
    if kind is tuple:
      words = tuple(word.strip() for word in text.split('+'))
      if not all(words):
        raise ValueError('an empty word')
      return words
    return kind(text)
  except (KeyError, ValueError) as error:
    got = f'{name!r} without a value' if text is None else f'{name}={text!r}'
    raise ValueError(
      f'config string gives {got}; allowed: {name}=<{_SYNTAX[kind]}>'
    ) from error


def _check_choice(name: str, value: Any, allowed: Sequence[Any] | None):
  if allowed is None:
    return
  for word in value if isinstance(value, tuple) else (value,):
    if word not in allowed:
      raise ValueError(
        f'config string gives {name}={word!r}; allowed:'
        f' {", ".join(str(choice) for choice in allowed)}'
      )


def _unknown_name(name: str, defaults: Mapping[str, Any]) -> str:
  nearest = difflib.get_close_matches(name, defaults, n=1, cutoff=0.4)
  hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
  return (
    f'config string gives {name!r}, which is not an option of this config{hint}'
    f' Allowed: {", ".join(sorted(defaults)) or "nothing; leave out the colon"}'
  )
