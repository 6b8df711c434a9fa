"""Prints a resolved config: each field with the comment that explains it in the source.

The comments are read from configs/shared/, where they are written once: the comment
lines directly above a field and the comment beside it.
"""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
import types
from collections.abc import Iterator, Mapping
from typing import Any

import ml_collections

from configs.shared import base, jmrn_model, pa3d_model
from pose_action.host.nested import flattened

_HEAD = '# Fields marked * differ from the default in configs/shared/.'


def config_text(config: ml_collections.ConfigDict) -> str:
  """One line per field: `data.num_frames: 4  # T, frames per clip`.

  A value that differs from the default is marked, and the comment, which explains the
  default, follows it: `* data.num_frames: 8  # default 4: T, frames per clip`. A field
  without a default, such as a field of a registered model, is never marked. Fields are
  in the order of the source; those without a comment come last.
  """
  values = flattened(config.to_dict())
  defaults, comments = _defaults_and_comments(config)
  lines = [_HEAD]
  for name in dict.fromkeys([*comments, *values]):
    comment = comments.get(name, '')
    if name in values:
      changed = name in defaults and defaults[name] != values[name]
      if changed:
        default = f'default {defaults[name]!r}'
        comment = f'{default}: {comment}' if comment else default
      line = f'{"*" if changed else " "} {name}: {values[name]!r}'
      lines.append(f'{line}  # {comment}' if comment else line)
    elif comment and any(value.startswith(f'{name}.') for value in values):
      lines.append(f'  # {name}: {comment}')
  return '\n'.join(lines)


def _defaults_and_comments(
  config: ml_collections.ConfigDict,
) -> tuple[dict[str, Any], dict[str, str]]:
  defaults = flattened(base.base_config().to_dict())
  comments = field_comments(base, 'base_config')
  model = config.get('model')
  if model is None:
    return defaults, comments
  # What a function takes as an argument has no default: each experiment gives it.
  if model.get('temporal') == 'potion':
    module, function = jmrn_model, 'potion_baseline'
    model_defaults = jmrn_model.potion_baseline()
  elif model.get('name') == 'pa3d':
    module, function = pa3d_model, 'joint_stream'
    model_defaults = pa3d_model.joint_stream(model.get('outputs'))
  elif model.get('name') == 'jmrn':
    module, function = jmrn_model, 'jmrn'
    model_defaults = jmrn_model.jmrn(model.get('compressed'))
  else:
    return defaults, comments
  defaults |= flattened(model_defaults.to_dict(), 'model.')
  of_model = field_comments(module, function)
  return defaults, comments | {f'model.{name}': text for name, text in of_model.items()}


def field_comments(module: types.ModuleType, function: str) -> dict[str, str]:
  """The comment of every field, and group of fields, in a dict that a function returns.

  A value may be a nested dict, or a call to another function in the module that returns
  a dict; `**` merges such a dict. Names of nested fields are dotted. A field without a
  comment has ''.
  """
  source = inspect.getsource(module)
  functions = {
    node.name: node
    for node in ast.parse(source).body
    if isinstance(node, ast.FunctionDef)
  }
  comments = {
    token.start[0]: (token.string.removeprefix('#').strip(), token.line.strip())
    for token in tokenize.generate_tokens(io.StringIO(source).readline)
    if token.type == tokenize.COMMENT
  }
  return dict(_fields(_returned_dict(functions[function]), functions, comments))


_Functions = Mapping[str, ast.FunctionDef]
_Comments = Mapping[int, tuple[str, str]]  # by line: the comment, the whole line


def _fields(
  tree: ast.Dict, functions: _Functions, comments: _Comments, prefix: str = ''
) -> Iterator[tuple[str, str]]:
  """(dotted name, comment) for all fields and groups in a dict, also nested ones."""
  for key, value in zip(tree.keys, tree.values, strict=True):
    if isinstance(value, ast.Call) and getattr(value.func, 'id', '') in functions:
      value = _returned_dict(functions[ast.unparse(value.func)])
    if key is None:  # **value
      assert isinstance(value, ast.Dict)
      yield from _fields(value, functions, comments, prefix)
      continue
    name = f'{prefix}{ast.literal_eval(key)}'
    is_group = isinstance(value, ast.Dict)
    last_line = key.lineno if is_group else value.end_lineno or key.lineno
    yield name, _comment_of(key.lineno, last_line, comments)
    if isinstance(value, ast.Dict):
      yield from _fields(value, functions, comments, f'{name}.')


def _returned_dict(function: ast.FunctionDef) -> ast.Dict:
  """The outermost dict in the function's last statement, its return."""
  for node in ast.walk(function.body[-1]):
    if isinstance(node, ast.Dict):
      return node
  raise ValueError(f'{function.name} returns no dict')


def _comment_of(first: int, last: int, comments: _Comments) -> str:
  """The comment lines directly above a field, then the comments beside it."""
  above = []
  line = first - 1
  while line in comments and comments[line][1].startswith('#'):
    above.insert(0, comments[line][0])
    line -= 1
  beside = [comments[n][0] for n in range(first, last + 1) if n in comments]
  return ' '.join([*above, *beside])
