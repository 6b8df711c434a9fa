"""The videos in a folder or a list, with labels, splits and names."""

import pytest

from input_pipeline.errors import PoseDataError
from pose_action.extraction.video_list import (
  Video,
  class_names,
  list_videos,
  videos_by_split,
)


@pytest.fixture
def files(tmp_path):
  """Makes empty files, as listing does not open them; returns their folder."""

  def make(*names):
    for name in names:
      path = tmp_path / name
      path.parent.mkdir(parents=True, exist_ok=True)
      path.touch()
    return tmp_path

  return make


def found(videos):
  return [(video.video_id, video.label) for video in videos]


def test_a_folder_of_videos(files):
  root = files('clip10.avi', 'clip2.mp4', 'README.md', '.hidden.avi', 'b/1.png')
  assert found(list_videos(root)) == [
    *(('b', 'unknown'), ('clip2', 'unknown'), ('clip10', 'unknown'))
  ]
  assert list_videos(root)[1] == Video(root / 'clip2.mp4', 'clip2', 'unknown', ('all',))


def test_a_folder_of_classes(files):
  root = files(
    'run/a.avi', 'run/preview.png', 'sit/b/1.jpg', 'sit/b/2.jpg', 'notes/x.txt'
  )
  videos = list_videos(root)
  assert found(videos) == [('a', 'run'), ('b', 'sit')]
  assert class_names(videos) == ('run', 'sit')


def test_one_video_and_one_folder_of_frames(files):
  root = files('a.avi', 'walk/1.png')
  assert found(list_videos(root / 'a.avi')) == [('a', 'unknown')]
  assert found(list_videos(root / 'walk')) == [('walk', 'unknown')]


def test_equal_names_are_extended_by_their_folders(files):
  root = files('run/1.avi', 'sit/1.avi')
  assert found(list_videos(root)) == [('run/1', 'run'), ('sit/1', 'sit')]
  root = files('run/1.mp4')
  names = [video.video_id for video in list_videos(root)]
  assert names == ['run/1.avi', 'run/1.mp4', 'sit/1.avi']


def test_a_folder_with_unclear_classes_is_refused(files):
  root = files('a.avi', 'run/b.avi')
  with pytest.raises(PoseDataError, match=r'holds videos \(a\.avi\) and folders of'):
    list_videos(root)
  root = files('deep/train/run/b.avi')
  with pytest.raises(
    PoseDataError,
    match=r"run is nested too deeply.* give a list that says each video's class",
  ):
    list_videos(root / 'deep')


def test_nothing_to_read(files):
  root = files('a.txt', 'empty.csv')
  with pytest.raises(PoseDataError, match='no video and no folder of frames in'):
    list_videos(root)
  with pytest.raises(PoseDataError, match=r'gone does not exist'):
    list_videos(root / 'gone')
  with pytest.raises(PoseDataError, match=r'a\.txt lists no videos'):
    list_videos(root / 'a.txt')


def test_a_text_list(files):
  root = files('my video.avi', 'list.txt')
  (root / 'list.txt').write_text('# ours\nmy video.avi\n\nsub/b.avi\n')
  videos = list_videos(root / 'list.txt')
  assert found(videos) == [('my video', 'unknown'), ('b', 'unknown')]
  assert videos[1].path == root / 'sub' / 'b.avi'
  (root / 'list.txt').write_text('my video.avi 10\nsub/b.avi\t2\n')
  videos = list_videos(root / 'list.txt')
  assert found(videos) == [('my video', '10'), ('b', '2')]
  assert class_names(videos) == ('2', '10')  # Natural order.


def test_a_csv_list_with_splits(files):
  root = files('list.csv')
  (root / 'list.csv').write_text(
    'path,label,split\na.avi,run,train1\nb.avi,sit,train1\nb.avi,sit,test2\n'
  )
  videos = list_videos(root / 'list.csv')
  assert [video.splits for video in videos] == [('train1',), ('train1', 'test2')]
  by_split = videos_by_split(videos)
  assert {s: found(v) for s, v in by_split.items()} == {
    'train1': [('a', 'run'), ('b', 'sit')],
    'test2': [('b', 'sit')],
  }


def test_a_csv_list_with_only_paths(files):
  root = files('list.csv')
  (root / 'list.csv').write_text('path\n/videos/a.avi\n')
  (video,) = list_videos(root / 'list.csv')
  assert (str(video.path), video.splits) == ('/videos/a.avi', ('all',))


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('file,label\na,b\n', 'has the columns file, label, but needs path'),
    ('path,name\na,b\n', 'has the columns path, name in its first line, but must have'),
    ('path,label\na,b,c\n', 'line 2 has more values than columns'),
    ('path,label\n,b\n', 'line 2 names no video in the column path'),
    (
      'path,label\na,run\na,sit\n',
      "line 3: a has label 'sit', but 'run' on an earlier line",
    ),
    ('path,label\na,run\na,run\n', "line 3: a is listed twice in split 'all'"),
    ('path,label\na,run\nb,\n', 'b has no label, but other videos have one'),
  ],
)
def test_contradictions_in_a_list_are_refused(files, content, message):
  root = files('list.csv')
  (root / 'list.csv').write_text(content)
  with pytest.raises(PoseDataError, match=message):
    list_videos(root / 'list.csv')


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (b'"' + b'0' * 300_000 + b'",1\n' * 2, 'but needs path'),
    (b'\xff\xfe\xff' * 9, 'is not a text file'),
  ],
  ids=['long', 'no text'],
)
def test_a_list_of_anything_is_refused_in_a_short_line(files, content, message):
  """A field beyond the limits of Python's reader, and bytes that are no text."""
  root = files('list.csv')
  (root / 'list.csv').write_bytes(content)
  with pytest.raises(PoseDataError, match=message) as refused:
    list_videos(root / 'list.csv')
  assert len(str(refused.value)) < 2000
