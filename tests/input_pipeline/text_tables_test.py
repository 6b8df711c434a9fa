"""CSV files: every delimiter, and bad lines that cost no other line."""

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.text_tables import read_table, rows


def fields(text, **options):
  return [row.fields for row in rows(text, **options)]


def test_rows_have_their_line_numbers_and_no_spaces_around_fields():
  assert list(rows('a, b\n\n , \n"c, d" ,e\n')) == [
    (1, ('a', 'b')),
    (4, ('c, d', 'e')),
  ]


def test_a_field_may_go_over_lines():
  assert list(rows('id,text\n1,"two\nlines"\n2,one\n')) == [
    (1, ('id', 'text')),
    (2, ('1', 'two\nlines')),
    (4, ('2', 'one')),
  ]


@pytest.mark.parametrize(
  'bad',
  [
    '1,"open',
    '"1,open',
    '1,"open "twice',  # Text after a closing quote.
    '1,"open,more',
  ],
)
def test_a_quote_that_is_not_closed_costs_its_own_line_only(bad):
  # The next line also has quotes, which would close the first.
  text = f'id,text\n{bad}\n2,"a, b"\n3,"c"\n'
  found = list(rows(text))
  assert found[2:] == [(3, ('2', 'a, b')), (4, ('3', 'c'))]
  assert found[1].line == 2


def test_a_quote_that_is_not_closed_in_the_last_line():
  assert fields('a,b\n1,"x\n') == [('a', 'b'), ('1', 'x')]


def test_a_field_that_is_too_long_costs_its_own_line_only():
  text = f'a,b\n1,"{"x" * 200_000}"\n2,y\n'
  assert [row.fields[0][:2] for row in rows(text)] == ['a', '1,', '2']


@pytest.fixture
def table(tmp_path):
  def write(text, *needs):
    file = tmp_path / 'list.csv'
    file.write_text(text, 'utf-8')
    return read_table(file, needs)

  return write


@pytest.mark.parametrize('delimiter', [',', ';', '\t'])
def test_the_delimiter_is_the_one_that_gives_the_columns(table, delimiter):
  text = 'id|label||\n1|sit||\n2\n3|sit|x|\n'.replace('|', delimiter)
  found = table(text, 'id', 'label')
  assert (found.columns, found.delimiter) == (('id', 'label'), delimiter)
  short = found.rows[1]
  assert [found.field(row, 'label') for row in found.rows] == ['sit', None]
  assert (short.line, found.field(short, 'id')) == (3, '2')
  assert [row.line for row in found.too_long] == [4]


@pytest.mark.parametrize(
  ('text', 'columns'), [('', 'none'), ('a,b\n1,2\n', 'a, b'), ('\n\n', 'none')]
)
def test_missing_columns_are_named(table, text, columns):
  with pytest.raises(PoseDataError, match=f'has the columns {columns}, but needs id'):
    table(text, 'id')
