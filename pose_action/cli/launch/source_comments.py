"""Reads the comments that explain fields in the source of a config."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import io
import pathlib
import tokenize
import types
from collections.abc import Iterator, Mapping


@dataclasses.dataclass(frozen=True)
class SourceFile:
  """A parsed Python file.

  Attributes:
    tree: the syntax tree.
    comments: by line number: the comment, and whether the line has nothing else.
    statements: by line number: the innermost statement that the line belongs to.
  """

  tree: ast.Module
  comments: Mapping[int, tuple[str, bool]]
  statements: Mapping[int, ast.stmt]

  @classmethod
  def parse(cls, text: str) -> SourceFile:
    """Parses the text of a Python file."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {
      token.start[0]: (
        token.string.removeprefix('#').strip(),
        token.line.lstrip().startswith('#'),
      )
      for token in tokens
      if token.type == tokenize.COMMENT
    }
    tree = ast.parse(text)
    statements = {}
    for node in ast.walk(tree):  # Inner statements follow outer ones.
      if isinstance(node, ast.stmt):
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        statements.update(dict.fromkeys(lines, node))
    return cls(tree, comments, statements)

  def comment_of(self, first: int, last: int) -> str:
    """The comment lines directly above these lines, then the comments beside them."""
    above = []
    line = first - 1
    while self.comments.get(line, ('', False))[1]:
      above.insert(0, self.comments[line][0])
      line -= 1
    lines = range(first, last + 1)
    return ' '.join(
      [*above, *(self.comments[n][0] for n in lines if n in self.comments)]
    )


@functools.cache
def read_source(file: str) -> SourceFile | None:
  """A Python file; None if it cannot be read, such as code typed at a prompt."""
  try:
    return SourceFile.parse(pathlib.Path(file).read_text('utf-8'))
  except (OSError, SyntaxError, ValueError, tokenize.TokenError):
    return None


def field_comments(module: types.ModuleType, function: str) -> dict[str, str]:
  """The comment of every field, and group of fields, in a dict that a function returns.

  A value may be a nested dict, or a call to another function in the module that returns
  a dict; `**` merges such a dict. Names of nested fields are dotted. A field without a
  comment has ''.
  """
  source = SourceFile.parse(inspect.getsource(module))
  functions = {
    node.name: node for node in source.tree.body if isinstance(node, ast.FunctionDef)
  }
  return dict(_fields(_returned_dict(functions[function]), functions, source))


def _fields(
  tree: ast.Dict,
  functions: Mapping[str, ast.FunctionDef],
  source: SourceFile,
  prefix: str = '',
) -> Iterator[tuple[str, str]]:
  """(dotted name, comment) for all fields and groups in a dict, also nested ones."""
  for key, value in zip(tree.keys, tree.values, strict=True):
    if isinstance(value, ast.Call) and getattr(value.func, 'id', '') in functions:
      value = _returned_dict(functions[ast.unparse(value.func)])
    if key is None:  # **value
      assert isinstance(value, ast.Dict)
      yield from _fields(value, functions, source, prefix)
      continue
    name = f'{prefix}{ast.literal_eval(key)}'
    is_group = isinstance(value, ast.Dict)
    last_line = key.lineno if is_group else value.end_lineno or key.lineno
    yield name, source.comment_of(key.lineno, last_line)
    if isinstance(value, ast.Dict):
      yield from _fields(value, functions, source, f'{name}.')


def _returned_dict(function: ast.FunctionDef) -> ast.Dict:
  """The outermost dict in the function's last statement, its return."""
  for node in ast.walk(function.body[-1]):
    if isinstance(node, ast.Dict):
      return node
  raise ValueError(f'{function.name} returns no dict')
