"""A table's cells, whichever way they were saved."""

import gzip

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.joint_tables.cells import read_cells

ROWS = np.array([[0, 12.5, 1234.0], [1, -3.25, 7.0]])


@pytest.mark.parametrize(
  'content',
  [
    'n,a,b\n0,12.5,1234\n1,-3.25,7\n',
    'n;a;b\r\n0;12,5;1234\r\n1;-3,25;7\r\n',
    'n;a;b\n0;12,5;1.234,0\n1;-3,25;7\n',  # A dot between thousands.
    '"n","a","b"\n"0","12,5","1,234.0"\n"1","-3,25","7"\n',
    'n\ta\tb\r0\t12.5\t1234\r1\t-3.25\t7\r',
    '\ufeffn,a,b\n\n0,12.5,1234\n\n1,-3.25,7\n\n',
    'n|a|b\n0|12.5|1234\n1|-3.25|7',
    'n a  b\n0 12.5 1234\n1 -3.25  7\n',
    'n,a,b,,\n0,12.5,1234,,\n1,-3.25,7,,\n',
    'sep=;\nn;a;b\n0;12,5;1234\n1;-3,25;7\n',
    '# made by a tool\n#n,a,b\n0,12.5,1234\n1,-3.25,7\n',
    ' n , a , b \n 0 , 12.5 , 1234 \n 1 , -3.25 , 7 \n',
  ],
)
def test_ways_to_save_a_table(tmp_path, content):
  file = tmp_path / 'v.csv'
  for saved in (content.encode(), gzip.compress(content.encode())):
    file.write_bytes(saved)
    cells = read_cells(file)
    assert cells.columns == ('n', 'a', 'b')
    np.testing.assert_array_equal(cells.numbers([0, 1, 2], [0, 1]), ROWS)


def test_utf_16_as_spreadsheets_save_it(tmp_path):
  (tmp_path / 'v.tsv').write_bytes('n\ta\tb\r\n0\t12,5\t1234\r\n'.encode('utf-16'))
  cells = read_cells(tmp_path / 'v.tsv')
  np.testing.assert_array_equal(cells.numbers([0, 1, 2], [0]), ROWS[:1])


@pytest.mark.parametrize(
  'text', ['', ' ', 'nan', 'NaN', 'NA', 'n/a', 'None', 'null', '-']
)
def test_no_number(tmp_path, text):
  (tmp_path / 'v.csv').write_text(f'a,b\n{text},1\n')
  assert np.isnan(read_cells(tmp_path / 'v.csv').numbers([0], [0])).all()


def test_a_row_of_delimiters_is_a_row_unless_it_is_removed(tmp_path):
  (tmp_path / 'v.csv').write_text('a,b\n1,2\n,\n3,4\n')
  cells = read_cells(tmp_path / 'v.csv')
  assert cells.lines == (2, 3, 4)
  assert cells.without_empty_rows().lines == (2, 4)


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('', r'v\.csv has no line below the first'),
    ('a,b\n', r'v\.csv has no line below the first'),
    ('a,b\n1,2,3\n', r'line 2 has 3 values, but needs one for each of the 2 columns'),
    (
      '1.5,2,3\n1,2,3\n',
      r'begins with numbers \(1\.5, 2, 3\), but its first line must',
    ),
    ('scorer,m\nbodyparts,nose\n', r"DeepLabCut's table, .*--format=deeplabcut"),
    ('a,b\n1,x\n', r"v\.csv, line 2: b is 'x', but must be a number"),
    ('a;b\n1;2,3,4\n', r"line 2: b is '2,3,4', but must be a number"),
  ],
)
def test_tables_that_are_refused(tmp_path, content, message):
  (tmp_path / 'v.csv').write_text(content)
  with pytest.raises(PoseDataError, match=message):
    read_cells(tmp_path / 'v.csv').numbers([0, 1], [0])
  with pytest.raises(PoseDataError, match=r'none\.csv cannot be read'):
    read_cells(tmp_path / 'none.csv')


def test_whole_numbers(tmp_path):
  (tmp_path / 'v.csv').write_text('a,b\n7.0,7.5\n')
  cells = read_cells(tmp_path / 'v.csv')
  assert cells.whole(0, 0) == 7
  with pytest.raises(PoseDataError, match=r"b is '7.5', but must be a whole number"):
    cells.whole(0, 1)
