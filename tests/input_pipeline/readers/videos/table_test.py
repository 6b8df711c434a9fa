"""videos.csv: what its columns mean, and which lines are refused."""

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.videos.table import NamedSegment, read_table


@pytest.fixture
def read(tmp_path):
  def read_text(text: str, encoding: str = 'utf-8'):
    table = tmp_path / 'videos.csv'
    table.write_text(text, encoding)
    return read_table(table)

  return read_text


def test_all_columns(read, tmp_path):
  first, second = read(
    'id,path,split,group,label,height,width,fps\n'
    'a,poses/a,train1;test2,film 7,stand up,720,1280,29.97\n'
    'b, poses/b.json ,,,,,,\n'
  )
  assert first.video_id == 'a'
  assert first.path == tmp_path / 'poses' / 'a'
  assert first.splits == ('train1', 'test2')
  assert first.labels == ('stand up',)
  assert first.frame_size == (720, 1280)
  assert first.frame_rate == 29.97
  assert (first.group, second.group) == ('film 7', '')
  assert second.path == tmp_path / 'poses' / 'b.json'
  assert second.splits == ('all',)
  assert (second.labels, second.frame_size, second.frame_rate) == ((), None, None)


def test_a_path_is_enough(read):
  (video,) = read('path\nsome/clip 7.json\n')
  assert (video.video_id, video.part, video.splits) == ('clip 7', 'clip 7', ('all',))


def test_an_absolute_path_and_a_byte_order_mark(read):
  (video,) = read('path\n/data/a.json\n', 'utf-8-sig')
  assert str(video.path) == '/data/a.json'


def test_several_labels(read):
  first, second = read('path,labels\na,sit; drink ;sit\nb,\n')
  assert first.labels == ('sit', 'drink')
  assert second.labels == ()


def test_segments_are_labels_too(read):
  (video,) = read('path,segments\na,walk 0 2.5;sit down 3 9;walk 10 11\n')
  assert video.segments == (
    NamedSegment('walk', 0, 2.5),
    NamedSegment('sit down', 3, 9),
    NamedSegment('walk', 10, 11),
  )
  assert video.labels == ('walk', 'sit down')


def test_the_part_of_a_file(read):
  first, second = read('id,path,part\na,all.json,walk_01\nb,all.json,\n')
  assert (first.part, second.part) == ('walk_01', 'b')


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('', r'has the columns \(none\), but needs path'),
    ('id,label\na,sit\n', r'has the columns id, label, but needs path'),
    ('path,label,labels\na,b,c\n', r'at most one of label, labels, segments'),
    ('path,lable\na,sit\n', r"a column 'lable'; did you mean 'label'\?"),
    ('path,height\na,3\n', r'one of the columns height and width; give both'),
    ('path\n', r'videos\.csv lists no video'),
    ('path,label\na,sit,x\n', r'line 2 has more values than columns'),
    ('id,path\na,\n', r'line 2 has no path'),
    ('path\na/x\nb/x\n', r"lists 'x' twice"),
    ('path,height,width\na,720,\n', r'line 2 has one of height and width'),
    (
      'path,height,width\na,720,12.5\n',
      r"line 2: width is '12\.5', but must be a whole",
    ),
    ('path,height,width\na,0,5\n', r"line 2: height is '0', but must be a whole"),
    ('path,fps\na,fast\n', r"line 2: fps is 'fast', but must be a number above 0"),
    ('path,fps\na,nan\n', r"line 2: fps is 'nan'"),
    ('path,segments\na,walk 0\n', r"segment 'walk 0' must be a class and its first"),
    ('path,segments\na,walk 3 2\n', r"line 2: segment 'walk 3 2'"),
    ('path,segments\na,walk x 2\n', r"line 2: segment 'walk x 2'"),
    ('path,segments\na,walk -1 2\n', r"segment 'walk -1 2'"),
  ],
)
def test_what_is_refused(read, text, message):
  with pytest.raises(PoseDataError, match=message):
    read(text)


@pytest.mark.parametrize('line_end', ['\n', '\r\n', '\r'])
@pytest.mark.parametrize('delimiter', [';', '\t'])
def test_a_table_saved_by_a_european_spreadsheet(tmp_path, delimiter, line_end):
  rows = [
    ('path', 'segments', 'fps'),
    ('a', '"café 0,5 2;walk 3 9,25"', '29,97'),
    ('', '', ''),
    ('b', '', ''),
  ]
  table = tmp_path / 'videos.csv'
  text = ''.join(delimiter.join(row) + line_end for row in rows)
  table.write_bytes(text.encode('cp1252'))
  first, second = read_table(table)
  assert first.segments == (
    NamedSegment('café', 0.5, 2),
    NamedSegment('walk', 3, 9.25),
  )
  assert first.frame_rate == 29.97
  assert second.video_id == 'b'


def test_a_quote_that_is_not_closed_swallows_no_line(read):
  with pytest.raises(PoseDataError, match=r'not a readable table: unexpected end of'):
    read('path,label\na,"sit\nb,stand\n')


def test_a_table_that_is_no_text(tmp_path):
  table = tmp_path / 'videos.csv'
  table.write_bytes(b'path\n\xff\x00\n')
  with pytest.raises(PoseDataError, match=r'videos\.csv is not a text file'):
    read_table(table)


@pytest.mark.parametrize(
  'text',
  [
    ',path,label\n0,a,walk\n1,b,run\n',
    'Unnamed: 0,Path,LABEL\n0,a,walk\n1,b,run\n',
    'path,label,,\na,walk,,\nb,run,,\n',
    'path,label\na,walk,,\nb,run,\n',
    ';Path;label;\n0;a;walk;\n1;b;run;\n',
  ],
)
def test_columns_without_a_name(read, text):
  first, second = read(text)
  assert (first.video_id, first.labels) == ('a', ('walk',))
  assert (second.video_id, second.labels) == ('b', ('run',))


def test_text_in_a_column_without_a_name_is_refused(read):
  with pytest.raises(PoseDataError, match=r'line 2 has more values than columns'):
    read('path,label,\na,walk,run\n')
