"""The comments that explain fields are read from the source."""

import importlib.util

import pytest

from configs.shared import base, jmrn_model, pa3d_model
from pose_action.cli.launch.source_comments import (
  SourceFile,
  field_comments,
  read_source,
)
from pose_action.host.nested import flattened

SOURCE = '''
def whole():
  return dict_of(
    {
      'a': 1,  # beside
      # Above,
      # in two lines.
      'b': (
        1,
        2,
      ),
      # The whole group.
      'group': {
        'c': 3,
        # Above.
        'd': 'a # in a string',  # And beside.
      },
      **part(),
      'own': part(),
      'foreign': dict(x=1),  # no group
    }
  )


def part() -> dict:
  """A part."""
  return {
    # A comment apart from the field.

    'e': 4,
  }
'''


def test_comments_are_those_above_and_beside_a_field(tmp_path):
  file = tmp_path / 'fields.py'
  file.write_text(SOURCE)
  spec = importlib.util.spec_from_file_location('fields_of_a_test', file)
  assert spec and spec.loader
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  found = field_comments(module, 'whole')
  assert found == {
    'a': 'beside',
    'b': 'Above, in two lines.',
    'group': 'The whole group.',
    'group.c': '',
    'group.d': 'Above. And beside.',
    'e': '',
    'own': '',
    'own.e': '',
    'foreign': 'no group',
  }
  assert list(found)[:4] == ['a', 'b', 'group', 'group.c']  # In the source's order.


@pytest.mark.parametrize(
  ('module', 'function', 'config'),
  [
    (base, 'base_config', base.base_config()),
    (pa3d_model, 'joint_stream', pa3d_model.joint_stream(8)),
    (jmrn_model, 'jmrn', jmrn_model.jmrn(128)),
    (jmrn_model, 'potion_baseline', jmrn_model.potion_baseline()),
  ],
)
def test_every_field_has_a_comment(module, function, config):
  comments = field_comments(module, function)
  fields = flattened(config.to_dict())
  assert set(fields) <= set(comments)
  assert not [name for name in fields if not comments[name]]


def test_a_line_belongs_to_its_innermost_statement():
  source = SourceFile.parse('if a:\n  b = f(\n    1,\n  )\nc = 2\n')
  targets = {
    line: type(statement).__name__ for line, statement in source.statements.items()
  }
  assert targets == {1: 'If', 2: 'Assign', 3: 'Assign', 4: 'Assign', 5: 'Assign'}
  assert source.statements[2] is source.statements[4]
  assert source.statements[4] is not source.statements[5]


@pytest.mark.parametrize('text', [b'x = (', b'"""', b'\xff', None])
def test_a_file_that_cannot_be_read_is_none(tmp_path, text):
  file = tmp_path / 'broken.py'
  if text is not None:
    file.write_bytes(text)
  assert read_source(str(file)) is None
