"""Columns of a text table are aligned."""

import pytest

from pose_action.host.text_table import aligned

ROWS = [['name', 'kind', 'n'], ['a', 'long kind', '12.5'], ['abcdef', '', '']]


def test_columns_are_aligned():
  assert aligned(ROWS) == [
    'name         kind     n',
    'a       long kind  12.5',
    'abcdef',
  ]
  assert aligned(ROWS, left=2)[0] == 'name    kind          n'


def test_rows_of_different_lengths_are_refused():
  with pytest.raises(ValueError, match='argument 2 is shorter'):
    aligned([['a', 'b'], ['c']])
