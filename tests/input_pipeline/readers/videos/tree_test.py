"""Finding videos: one video, a folder of videos, of classes, a list."""

import pathlib

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.videos.tree import find_videos, videos_in_tree


def is_video(path: pathlib.Path) -> bool:
  """Whether the path is a file *.pose, or a folder that holds 0.frame."""
  return path.suffix == '.pose' or (path / '0.frame').is_file()


@pytest.fixture
def make(tmp_path):
  """Makes empty files, and finds the videos in their folder."""

  def make_files(*names: str, parts=None):
    for name in names:
      (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
      (tmp_path / name).touch()
    return find_videos(tmp_path, is_video, parts)

  return make_files


def labels(videos) -> dict[str, tuple[str, ...]]:
  return {video.video_id: video.labels for video in videos}


def test_classes_of_videos(make):
  videos = make('sit/a.pose', 'walk/b.pose', 'walk/c.1/0.frame', 'walk/notes.txt')
  assert labels(videos) == {'a': ('sit',), 'b': ('walk',), 'c.1': ('walk',)}
  assert {video.splits for video in videos} == {('all',)}


def test_videos_without_classes(make):
  assert labels(make('a.pose', 'b/0.frame', '.hidden.pose')) == {'a': (), 'b': ()}


def test_one_video(tmp_path, make):
  make('v/0.frame', 'w.pose')
  (folder,) = find_videos(tmp_path / 'v', is_video)
  (file,) = find_videos(tmp_path / 'w.pose', is_video)
  assert (folder.video_id, folder.labels, file.video_id) == ('v', (), 'w')


def test_names_are_as_long_as_they_need_to_be(make):
  assert set(labels(make('sit/a.pose', 'walk/a.pose'))) == {'sit/a', 'walk/a'}
  names = set(labels(make('walk/a/0.frame')))
  assert names == {'sit/a.pose', 'walk/a.pose', 'walk/a'}


def test_files_of_several_videos(make):
  def parts(path):
    return ('x', 'y') if path.stem == 'a' else ('z',)

  videos = make('sit/a.pose', 'walk/b.pose', parts=parts)
  assert labels(videos) == {'x': ('sit',), 'y': ('sit',), 'z': ('walk',)}
  assert [(v.path.name, v.part) for v in videos][1] == ('a.pose', 'y')
  videos = make(parts=lambda path: ('x',))
  assert set(labels(videos)) == {'sit/a/x', 'walk/b/x'}


def test_the_list_goes_before_the_folders(tmp_path, make):
  (tmp_path / 'videos.csv').write_text('path,label\nwalk/b.pose,run\ngone,run\n')
  videos = make('walk/a.pose', 'walk/b.pose')
  assert labels(videos) == {'b': ('run',), 'gone': ('run',)}
  assert find_videos(tmp_path / 'videos.csv', is_video) == videos


@pytest.mark.parametrize(
  ('files', 'message'),
  [
    (
      ('notes.txt',),
      r'there is no video of this format in .*nor in a list videos\.csv',
    ),
    (
      ('a.pose', 'sit/b.pose'),
      r'holds videos \(a\.pose\) and folders .*\(sit\).*list the videos in videos\.csv',
    ),
    (
      ('train/sit/a.pose',),
      r'train/sit is nested too deeply.*, or list the videos in videos\.csv',
    ),
  ],
)
def test_what_is_refused(make, files, message):
  with pytest.raises(PoseDataError, match=message):
    make(*files)


def test_the_walk_asks_the_predicate_before_it_looks_inside(tmp_path):
  for name in ('sit/a10/0.frame', 'sit/a9.pose', 'sit/.b.pose', 'sit/a10/c.pose'):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
  (tmp_path / 'empty').mkdir()
  expected = [(tmp_path / 'sit' / name, 'sit') for name in ('a10', 'a9.pose')]

  found = videos_in_tree(tmp_path, is_video, remedy='give a list')
  assert list(found.items()) == expected

  by_length = videos_in_tree(
    tmp_path, is_video, remedy='give a list', sort_key=lambda name: -len(name)
  )
  assert list(by_length.items()) == expected[::-1]


def test_a_tree_without_videos_is_empty(tmp_path):
  (tmp_path / 'notes').mkdir()
  assert videos_in_tree(tmp_path, is_video, remedy='give a list') == {}
  assert videos_in_tree(tmp_path / 'gone', is_video, remedy='give a list') == {}


def test_the_walk_says_what_else_a_user_can_do(tmp_path):
  (tmp_path / 'train' / 'sit').mkdir(parents=True)
  (tmp_path / 'train' / 'sit' / 'a.pose').touch()
  with pytest.raises(PoseDataError, match=r'too deeply.*, or give a list$'):
    videos_in_tree(tmp_path, is_video, remedy='give a list')
