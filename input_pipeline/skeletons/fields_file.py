"""Parses small YAML and JSON files of fields, and refuses what a parser hides.

A repeated key silently wins in both parsers, a few lines of YAML can stand for billions of
values, and deep nesting overflows Python's stack.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

# Our choices: the largest skeletons have hundreds of joints, in three levels.
_LONGEST = 1 << 20  # Characters.
_MAX_DEPTH = 20
_MAX_VALUES = 50_000  # Each value counts as often as YAML's aliases repeat it.


def parse_yaml(text: str) -> Any:
  """Parses YAML.

  Raises:
    ValueError: if the text is not YAML, repeats a key in a mapping (with both lines), or
      is too long, too deeply nested or too often repeated by aliases.
  """
  import yaml  # Imported here because only YAML files need it.

  _check_length(text)
  loader = yaml.SafeLoader(text)
  try:
    _check_depth(yaml.parse(text, yaml.SafeLoader))
    node = loader.get_single_node()
    if node is None:
      return None
    _measure(node, {})
    _check_keys(node, set())
    return _constructed(loader, node)
  except yaml.YAMLError as error:
    raise ValueError(f'this is not YAML: {error}') from error
  finally:
    loader.dispose()


def _constructed(loader: Any, node: Any) -> Any:
  try:
    return loader.construct_document(node)
  except (ValueError, TypeError, OverflowError) as error:
    # A date that does not exist, a number with too many digits.
    raise ValueError(f'a value cannot be read: {error}') from error


def parse_json(text: str) -> Any:
  """Parses JSON.

  Raises:
    ValueError: same as `parse_yaml`.
  """
  _check_length(text)
  try:
    fields = json.loads(text)
  except json.JSONDecodeError as error:
    raise ValueError(f'this is not JSON: {error}') from error
  except RecursionError:
    raise ValueError(_too_deep()) from None
  except ValueError as error:
    raise ValueError(f'a value cannot be read: {error}') from error
  _check_json(text)
  return fields


def _check_length(text: str):
  if len(text) > _LONGEST:
    raise ValueError(f'it has {len(text):,} characters, at most {_LONGEST:,} are read')


def _too_deep() -> str:
  return f'it is nested more than {_MAX_DEPTH} deep'


def _repeated(key: str, first: int, second: int) -> str:
  return f'the key {key!r} is in line {first} and again in line {second}; keep one'


def _check_depth(events: Any):
  """Stops at the limit, before a parser follows the nesting."""
  import yaml

  depth = 0
  for event in events:
    if isinstance(event, yaml.CollectionStartEvent):
      depth += 1
      if depth > _MAX_DEPTH:
        raise ValueError(_too_deep())
    elif isinstance(event, yaml.CollectionEndEvent):
      depth -= 1


def _measure(node: Any, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
  """(number of values, depth) from a node down, with each alias written out."""
  import yaml

  if id(node) not in known:
    known[id(node)] = (0, 0)  # Until its values are counted.
    children = node.value if isinstance(node, yaml.CollectionNode) else ()
    if isinstance(node, yaml.MappingNode):
      children = itertools.chain.from_iterable(children)
    measured = [_measure(child, known) for child in children]
    count = 1 + sum(number for number, _ in measured)
    depth = 1 + max((depth for _, depth in measured), default=0)
    known[id(node)] = count, depth
    if count > _MAX_VALUES:
      raise ValueError(f'aliases repeat values more than {_MAX_VALUES:,} times')
    if depth > _MAX_DEPTH + 1:
      raise ValueError(_too_deep())
  if not known[id(node)][0]:
    raise ValueError('an alias repeats the value that it is part of')
  return known[id(node)]


def _check_keys(node: Any, seen: set[int]):
  import yaml

  if id(node) in seen or not isinstance(node, yaml.CollectionNode):
    return
  seen.add(id(node))
  if isinstance(node, yaml.SequenceNode):
    for child in node.value:
      _check_keys(child, seen)
    return
  lines: dict[tuple[str, str], int] = {}
  for key, value in node.value:
    _check_keys(value, seen)
    if isinstance(key, yaml.ScalarNode):
      line = key.start_mark.line + 1
      if (key.tag, key.value) in lines:
        raise ValueError(_repeated(key.value, lines[key.tag, key.value], line))
      lines[key.tag, key.value] = line


def _check_json(text: str):
  """Checks depth and repeated keys of text that is valid JSON."""
  # For each open bracket, the lines of its keys.
  objects: list[dict[str, int]] = []
  for token in re.finditer(r'"(?:[^"\\]|\\.)*"(\s*:)?|[\[\]{}]', text, re.DOTALL):
    word = token.group()
    if word in '[{':
      objects.append({})
      if len(objects) > _MAX_DEPTH:
        raise ValueError(_too_deep())
    elif word in ']}':
      objects.pop()
    elif token.group(1):
      key = json.loads(word[: word.rindex('"') + 1])
      line = text.count('\n', 0, token.start()) + 1
      if key in objects[-1]:
        raise ValueError(_repeated(key, objects[-1][key], line))
      objects[-1][key] = line
