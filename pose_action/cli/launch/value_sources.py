"""Finds where a config's code says the source of each value: the comment on the code.

The comment is beside the assignment or directly above it. If a function assigns one of
its parameters, the comment on the argument in the function's call comes first:

  def train_with_adam(config, *, learning_rate):
    config.optimizer.learning_rate = learning_rate

  train_with_adam(config, learning_rate=1e-4)  # the source of optimizer.learning_rate

Any Python file with `get_config` can be traced, not only those in configs/.
"""

from __future__ import annotations

import ast
import contextlib
import os
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import ml_collections

from pose_action.cli.launch.source_comments import read_source
from pose_action.training.shipped_configs import load_config

_CONFIG_DICT_FOLDER = os.path.dirname(ml_collections.__file__)


def value_sources(config: str, overridden: Iterable[str] = ()) -> dict[str, str]:
  """The source of each value in a config, by the field's dotted name.

  Fields whose value has no comment, or cannot be traced, are left out. An experiment's
  option is the source of the value that it gives: `option split=2`.

  Args:
    config: the config's file or name, with options after a colon.
    overridden: fields, or groups of fields, that the command line sets.
  """
  with _recorded_assignments() as assignments:
    loaded = load_config(config)
  sources = {}
  for name, group, key in _fields(loaded):
    if any(f'{name}.'.startswith(f'{field}.') for field in overridden):
      sources[name] = 'from the command line'
    elif (id(group), key) in assignments:
      _, calls = assignments[id(group), key]
      sources[name] = _source_of(name, calls)
  return {name: source for name, source in sources.items() if source}


class _Place(NamedTuple):
  """A line that runs, and the function that it is in."""

  file: str
  line: int
  function: str
  parameters: tuple[str, ...]  # positional parameters first
  num_positional: int
  options: str  # the config string, in `get_config`


# By (id of the ConfigDict, key): the ConfigDict, which keeps its id from being reused,
# and the running lines, innermost first.
_Assignments = dict[tuple[int, str], tuple[ml_collections.ConfigDict, list[_Place]]]


@contextlib.contextmanager
def _recorded_assignments() -> Iterator[_Assignments]:
  """Records the last assignment to each field of every ConfigDict."""
  assignments: _Assignments = {}
  assign = ml_collections.ConfigDict.__setitem__

  def assign_and_record(self: ml_collections.ConfigDict, name: str, value: Any):
    assign(self, name, value)
    assignments[id(self), name] = self, _running_lines()

  ml_collections.ConfigDict.__setitem__ = assign_and_record
  try:
    yield assignments
  finally:
    ml_collections.ConfigDict.__setitem__ = assign


def _running_lines() -> list[_Place]:
  """The lines between an assignment and the start of the config, innermost first."""
  places: list[_Place] = []
  frame: types.FrameType | None = sys._getframe(2)
  while frame is not None and frame.f_code is not load_config.__code__:
    if not frame.f_code.co_filename.startswith(_CONFIG_DICT_FOLDER):
      places.append(_place(frame))
    frame = frame.f_back
  return places


def _place(frame: types.FrameType) -> _Place:
  code = frame.f_code
  parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
  options = ''
  if code.co_name == 'get_config' and parameters:
    options = frame.f_locals.get(parameters[0]) or ''
  return _Place(
    code.co_filename,
    frame.f_lineno,
    code.co_name,
    parameters,
    code.co_argcount,
    options if isinstance(options, str) else '',
  )


def _options(calls: Sequence[_Place]) -> dict[str, str]:
  """The experiment's options by name: `{'split': 'split=2', 'quick': 'quick'}`."""
  string = next((place.options for place in calls if place.options), '')
  items = (item.strip() for item in string.split(','))
  return {item.partition('=')[0].strip(): item for item in items if item}


def _fields(
  group: ml_collections.ConfigDict, prefix: str = ''
) -> Iterator[tuple[str, ml_collections.ConfigDict, str]]:
  """(dotted name, the ConfigDict that holds the field, its key) for all fields."""
  for key, value in group.items():
    if isinstance(value, ml_collections.ConfigDict):
      yield from _fields(value, f'{prefix}{key}.')
    else:
      yield f'{prefix}{key}', group, key


def _source_of(name: str, calls: Sequence[_Place]) -> str:
  """The source of a field's value, given the lines that ran when it was assigned."""
  source = read_source(calls[0].file) if calls else None
  statement = source and source.statements.get(calls[0].line)
  if not source or not statement:
    return ''
  entries = [
    entry
    for entry in _entries(statement)
    if f'.{name}'.endswith(f'.{entry[0]}')  # A literal may be a part of the config.
  ]
  if entries:
    _, value, first, last = max(entries, key=lambda entry: len(entry[0]))
  elif _assigns(statement, name.rpartition('.')[2]):
    assert isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
    value, first, last = statement.value, statement.lineno, _end(statement)
  else:
    return ''
  given = _given(value, calls, _options(calls))
  return given or source.comment_of(first, last)


def _given(
  value: ast.AST | None, calls: Sequence[_Place], options: Mapping[str, str]
) -> str:
  """The source of an option or argument that an expression reads; '' without any."""
  for node, has_fallback in _read(value):
    found = ''
    if isinstance(node, ast.Attribute):  # Such as args.split.
      option = options.get(node.attr, '')
      is_used = option and not (has_fallback and option.endswith('=0'))
      found = f'option {option}' if is_used else ''
    elif node.id in calls[0].parameters and len(calls) > 1:
      found = _source_of_argument(node.id, calls, options)
    if found:
      return found
  return ''


def _source_of_argument(
  parameter: str, calls: Sequence[_Place], options: Mapping[str, str]
) -> str:
  """The source of an argument in the call of the innermost function."""
  callee, caller = calls[:2]
  source = read_source(caller.file)
  statement = source and source.statements.get(caller.line)
  if not source or not statement:
    return ''
  for call in ast.walk(statement):
    if not isinstance(call, ast.Call) or _name(call.func) != callee.function:
      continue
    positional = callee.parameters[: callee.num_positional]
    arguments: dict[str | None, ast.expr | ast.keyword] = {
      **dict(zip(positional, call.args, strict=False)),
      **{keyword.arg: keyword for keyword in call.keywords},
    }
    if argument := arguments.get(parameter):
      given = _given(argument, calls[1:], options)
      value = argument.value if isinstance(argument, ast.keyword) else argument
      if given or isinstance(value, ast.Attribute):  # An option at its default.
        return given
      return (
        source.comment_of(argument.lineno, _end(argument))
        or source.comment_of(statement.lineno, statement.lineno)
        or source.comment_of(_end(statement), _end(statement))
      )
  return ''


def _entries(
  tree: ast.AST, prefix: str = ''
) -> Iterator[tuple[str, ast.AST, int, int]]:
  """(dotted name, value, first line, last line) in dict literals and keywords."""
  if isinstance(tree, ast.keyword) and tree.arg:
    name = f'{prefix}{tree.arg}'
    yield name, tree.value, tree.lineno, _end(tree)
    yield from _entries(tree.value, f'{name}.')
  elif isinstance(tree, ast.Dict):
    for key, value in zip(tree.keys, tree.values, strict=True):
      if isinstance(key, ast.Constant):
        name = f'{prefix}{key.value}'
        yield name, value, key.lineno, _end(value)
        yield from _entries(value, f'{name}.')
      else:
        yield from _entries(value, prefix)
  else:
    for child in ast.iter_child_nodes(tree):
      yield from _entries(child, prefix)


def _assigns(statement: ast.stmt, key: str) -> bool:
  """Whether a statement assigns to a field of this name, or of a computed name."""
  for target in getattr(statement, 'targets', [getattr(statement, 'target', None)]):
    if isinstance(target, ast.Attribute) and target.attr == key:
      return True
    if isinstance(target, ast.Subscript):
      return getattr(target.slice, 'value', key) == key
  return False


def _read(
  tree: ast.AST | None, has_fallback: bool = False
) -> Iterator[tuple[ast.Name | ast.Attribute, bool]]:
  """The names in an expression, and the attributes of names, in the source's order.

  Each with whether another expression replaces it if it is 0: `args.frames or frames`.
  """
  if isinstance(tree, ast.Name):
    yield tree, has_fallback
  elif isinstance(tree, ast.Attribute):
    if isinstance(tree.value, ast.Name):
      yield tree, has_fallback
  elif isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.Or):
    for child in tree.values:
      yield from _read(child, child is not tree.values[-1])
  elif tree is not None:
    for child in ast.iter_child_nodes(tree):
      yield from _read(child, has_fallback)


def _name(function: ast.expr) -> str:
  """A function's name in its call: 'f' for `module.f`."""
  return ast.unparse(function).rpartition('.')[2]


def _end(node: Any) -> int:
  return node.end_lineno or node.lineno
