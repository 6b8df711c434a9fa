"""Clips of whole videos and of single people, independent of the format."""

import json
import pathlib

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import Segment
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos import source as video_source
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.source import VideoFormat
from input_pipeline.skeletons.registry import Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
SIZE = ReadOptions(frame_size=(48, 64))


def read_video(
  path: pathlib.Path, skeleton: Skeleton, options: ReadOptions
) -> PosesByFrame:
  """A JSON file {frame: [[x, score], ...]}: people with both eyes at (x, 10)."""
  content = json.loads(path.read_text())
  if content == 'broken':
    raise PoseDataError(f'{path} is broken')
  size = content.pop('size', None)
  people = {
    int(number): np.reshape(
      [[[x, 10, score], [x + 4, 10, score]] for x, score in frame], (-1, 2, 3)
    ).astype(np.float32)
    for number, frame in content.items()
  }
  return PosesByFrame(people, skeleton.num_joints, frame_size=size and tuple(size))


FORMAT = VideoFormat(lambda path: path.suffix == '.json', read_video)
LONG = {n: [[20, 0.5]] for n in range(10)}


@pytest.fixture
def read(tmp_path):
  """Writes videos by name, and reads them."""

  def read_videos(options=SIZE, table=None, **videos):
    for name, content in videos.items():
      (tmp_path / f'{name}.json').write_text(json.dumps(content))
    if table is not None:
      (tmp_path / 'videos.csv').write_text(table)
    return video_source.read(FORMAT, tmp_path, EYES, options)

  return read_videos


def test_a_labelled_video(read):
  table = 'path,split,label\na.json,train,walk\nb.json,test;more,sit\nc.json,more,\n'
  source = read(table=table, a=LONG, b=LONG, c=LONG)
  assert source.class_names == ('sit', 'walk')
  assert source.splits == {'train': ('a',), 'test': ('b',), 'more': ('b', 'c')}
  assert not source.multi_label
  clip = source.load('a')
  assert (clip.video_id, clip.labels, clip.frame_size) == ('a', (1,), (48, 64))
  assert clip.keypoints.shape == (10, 1, 2, 2)
  assert source.load('c').labels == ()


def test_videos_without_labels(read):
  source = read(a=LONG)
  assert source.class_names == ('unknown',)
  assert source.load('a').labels == ()


def test_several_labels_of_one_video_make_it_multi_label(read):
  assert read(table='path,labels\na.json,sit;walk\nb.json,sit\n', a=LONG).multi_label
  assert not read(table='path,labels\na.json,sit\nb.json,walk\n').multi_label


def test_segments(read):
  table = 'path,segments\na.json,walk 0 2;sit 1 3;walk 5 6\n'
  source = read(table=table, a=LONG)
  assert source.multi_label
  clip = source.load('a')
  assert clip.labels == (1, 0)
  assert clip.segments == (Segment(1, 0, 2), Segment(0, 1, 3), Segment(1, 5, 6))


def test_the_frame_size_is_the_files_or_the_lists_or_the_options(read):
  table = 'path,height,width\na.json,,\nb.json,50,60\nc.json,30,40\n'
  own = {**LONG, 'size': [30, 40]}
  source = read(table=table, a=LONG, b=LONG, c=own, d=own)
  assert [source.load(v).frame_size for v in 'abc'] == [(48, 64), (50, 60), (30, 40)]
  source = read(ReadOptions(), table='path,height,width\na.json,,\nc.json,30,41\n')
  with pytest.raises(
    PoseDataError,
    match=r"clip 'a': .*give --frame_size=WIDTHxHEIGHT \(train: --config\.data\.frame_size="
    r'WIDTHxHEIGHT; Python: frame_size=\(height, width\)\)',
  ):
    source.load('a')
  with pytest.raises(
    PoseDataError,
    match=r"clip 'c': its frames are 40 wide, 30 high in .*, but 41 wide, 30 high in the l",
  ):
    source.load('c')


def test_a_broken_video_fails_alone(read):
  table = 'path\ngone.json\nbad.json\ngood.json\n'
  source = read(table=table, bad='broken', good=LONG)
  with pytest.raises(PoseDataError, match=r"clip 'gone': .*gone\.json does not exist"):
    source.load('gone')
  with pytest.raises(PoseDataError, match=r"clip 'bad': .*bad\.json is broken"):
    source.load('bad')
  assert source.load('good').num_frames == 10
  with pytest.raises(PoseDataError, match=r"clip 'other' is not in this source"):
    source.load('other')


def test_a_wrong_frame_size_is_noticed(read):
  source = read(ReadOptions(frame_size=(12, 15)), a=LONG)
  with pytest.raises(
    PoseDataError,
    match=r"clip 'a': 20 of 20 joints are outside .* as 15 wide, 12 high; correct the si",
  ):
    source.load('a')
  # Half of the joints may be outside: the left eye is at x = 20, the right eye at 24.
  assert read(ReadOptions(frame_size=(48, 22)), a=LONG).load('a')


def test_exchanged_height_and_width_are_named_with_the_size_that_fits(read):
  source = read(ReadOptions(frame_size=(48, 15)), a={0: [[40, 0.5]], 1: [[30, 0.5]]})
  fits = r'as 15 wide, 48 high; nearly all are inside frames 48 wide, 15 high: '
  with pytest.raises(
    PoseDataError,
    match=fits
    + r'give --frame_size=48x15 \(train: --config\.data\.frame_size=48x15; Python:'
    r' frame_size=\(15, 48\)\)',
  ):
    source.load('a')
  source = read(ReadOptions(), b={'size': [48, 15], 0: [[40, 0.5]]})
  with pytest.raises(PoseDataError, match=fits + 'exchange height and width in the fi'):
    source.load('b')


def test_max_people(read):
  crowd = {0: [[x, 0.5] for x in (5, 15, 25, 35, 45, 55)]}
  assert read(a=crowd).load('a').num_persons == 5
  options = ReadOptions(frame_size=(48, 64), max_people=2)
  assert read(options, a=crowd).load('a').num_persons == 2


def test_one_clip_per_person(read):
  frames = {n: [[5, 0.5]] + ([[40, 0.9]] if 3 <= n < 17 else []) for n in range(20)}
  del frames[5]
  options = ReadOptions(frame_size=(48, 64), per_person=True)
  table = 'path,split,segments\na.json,train,walk 0 1\nb.json,test,sit 0 1\n'
  source = read(options, table=table, a=frames, b=LONG)
  assert source.splits == {'train': ('a#0', 'a#1'), 'test': ('b#0',)}
  # The sums of scores are 13 · 0.9 and 19 · 0.5.
  main, other = source.load('a#0'), source.load('a#1')
  assert main.video_id == 'a#0'
  assert (main.num_frames, other.num_frames) == (14, 20)
  assert main.num_persons == other.num_persons == 1
  assert main.keypoints[0, 0, 0].tolist() == [40, 10]
  assert main.scores[:, 0, 0].tolist() == pytest.approx([0.9, 0.9, 0, *[0.9] * 11])
  assert main.labels == other.labels == (1,)
  assert main.segments == ()
  # People in one video are never divided.
  assert source.groups == {'a#0': 'a', 'a#1': 'a', 'b#0': 'b'}


def test_groups_of_a_list(read):
  table = 'path,group\na.json,monday\nb.json, \nc.json,monday\n'
  videos = {'a': LONG, 'b': LONG, 'c': LONG}
  assert read(**videos).groups == {}
  source = read(table=table, **videos)
  assert source.groups == {'a': 'monday', 'c': 'monday'}
  options = ReadOptions(frame_size=(48, 64), per_person=True)
  source = read(options, table=table, **videos)
  assert source.groups == {'a#0': 'monday', 'b#0': 'b', 'c#0': 'monday'}


def test_a_person_visible_too_briefly_is_reported_on_loading(read):
  frames = {n: [[5, 0.5]] + ([[40, 0.9]] if n < 7 else []) for n in range(20)}
  options = ReadOptions(frame_size=(48, 64), per_person=True)
  source = read(options, a=frames, short={0: [[5, 0.5]], 1: [[5, 0.5]]})
  assert source.splits == {'all': ('a#0', 'a#1', 'short#0')}
  with pytest.raises(
    PoseDataError, match=r"clip 'a#1': this person is visible in 7 frames, .* needs 8"
  ):
    source.load('a#1')
  assert source.load('short#0').num_frames == 2


def test_one_clip_for_a_video_that_cannot_be_read_or_shows_nobody(read):
  options = ReadOptions(frame_size=(48, 64), per_person=True)
  source = read(options, bad='broken', empty={0: []}, good=LONG)
  assert source.splits == {'all': ('bad#0', 'empty#0', 'good#0')}
  with pytest.raises(PoseDataError, match=r"clip 'bad#0': .*bad\.json is broken"):
    source.load('bad#0')
  with pytest.raises(PoseDataError, match=r"clip 'empty#0': .* shows nobody"):
    source.load('empty#0')
  assert source.load('good#0').num_frames == 10


def test_no_frames_and_shares(tmp_path):
  with pytest.raises(PoseDataError, match='there is no frame'):
    PosesByFrame({}, 2)
  people = np.array([[[0.5, 0, 1], [1, 1, 0.5], [0, 0, 0]]], np.float32)
  poses = PosesByFrame({0: people}, 3, unit='shares')
  # The edges are half a pixel outside the centres of the first and the last pixel.
  expected = [[[31.5, -0.5, 1], [63.5, 47.5, 0.5], [0, 0, 0]]]
  assert poses.frames((48, 64))[0].tolist() == expected


def test_folders_with_the_names_of_splits_are_noted(tmp_path):
  for folder in ('train', 'valid'):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / f'{folder}_a.json').write_text(json.dumps(LONG))
  (note,) = video_source.read(FORMAT, tmp_path, EYES, SIZE).notes
  assert note.kind == 'classes_are_no_classes'
  assert "'train', 'valid' are taken as the classes" in note.message
