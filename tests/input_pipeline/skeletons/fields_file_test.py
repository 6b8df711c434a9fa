"""YAML and JSON files of fields: what the parsers would hide is refused."""

import pytest

from input_pipeline.skeletons.fields_file import parse_json, parse_yaml


def test_plain_files():
  fields = {'name': 'a', 'limbs': [[0, 1]], 'groups': {'head': ['x']}}
  assert parse_json('{"name": "a", "limbs": [[0, 1]], "groups": {"head": ["x"]}}') == (
    fields
  )
  assert parse_yaml('name: a\nlimbs: [[0, 1]]\ngroups: {head: [x]}') == fields
  assert parse_yaml('a: &x [1]\nb: *x\nc: {<<: {d: 2}, e: 3}') == {
    'a': [1],
    'b': [1],
    'c': {'d': 2, 'e': 3},
  }
  assert parse_yaml('') is None


@pytest.mark.parametrize(
  ('parse', 'text', 'message'),
  [
    (parse_yaml, 'name: a\njoints: []\nname: b', "'name' is in line 1 and .* line 3"),
    (parse_yaml, 'a:\n  - {b: 1,\n     b: 1}', "'b' is in line 2 and again in line 3"),
    (parse_yaml, '{a: 1, a: 1}', "'a' is in line 1 and again in line 1"),
    (parse_yaml, '"a": 1\na: 2', "'a' is in line 1 and again in line 2"),
    (parse_json, '{"name": "a",\n "x": 1,\n "name": "b"}', "'name' is in line 1 .* 3"),
    (parse_json, '{"a": {"b": 1,\n"\\u0062" : 1}}', "'b' is in line 1 .* line 2"),
  ],
)
def test_a_repeated_key(parse, text, message):
  with pytest.raises(ValueError, match=message):
    parse(text)


def test_the_same_key_in_different_objects():
  assert parse_json('{"a": {"a": 1}, "b": [{"a": 2}, {"a": "a:"}]}')['b'][1] == {
    'a': 'a:'
  }
  assert parse_yaml('a: {a: 1}\nb: [{a: 2}, {a: 3}]')['b'][0] == {'a': 2}


LAUGHS = 'a0: &a0 [ha, ha]\n' + '\n'.join(
  f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]' for n in range(1, 12)
)
CHAIN = 'a0: &a0 [ha]\n' + '\n'.join(f'a{n}: &a{n} [*a{n - 1}]' for n in range(1, 2000))


@pytest.mark.parametrize(
  ('parse', 'text', 'message'),
  [
    (parse_yaml, LAUGHS, 'aliases repeat values more than 50,000 times'),
    (parse_yaml, CHAIN, 'nested more than 20 deep'),
    (parse_yaml, '&a [*a]', 'an alias repeats the value that it is part of'),
    (parse_yaml, 'x: ' + '[' * 100_000, 'nested more than 20 deep'),
    (parse_json, '[' * 100_000, 'nested more than 20 deep'),
    (parse_json, '[' * 21 + ']' * 21, 'nested more than 20 deep'),
    (
      parse_json,
      '{"a": ' + '9' * 5000 + '}',
      'a value cannot be read: Exceeds the limit',
    ),
    (parse_yaml, 'a: ' + '9' * 5000, 'a value cannot be read: Exceeds the limit'),
    (parse_yaml, 'a: 2023-02-30', 'a value cannot be read: day is out of range'),
    (parse_yaml, '? [a]\n: b', 'not YAML: .*unhashable'),
    (parse_yaml, 'a' * (1 << 20) + 'a', 'at most 1,048,576 are read'),
    (parse_json, 'a' * (1 << 20) + 'a', 'at most 1,048,576 are read'),
  ],
)
def test_what_is_too_much(parse, text, message):
  with pytest.raises(ValueError, match=f'(?s){message}'):
    parse(text)
