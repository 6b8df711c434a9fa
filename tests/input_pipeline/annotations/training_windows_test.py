"""Training windows from whole videos and a segment file, worked by hand."""

import dataclasses

import numpy as np
import pytest

from input_pipeline.annotations.segment_files.reading import read_segments
from input_pipeline.annotations.segments_of_clips import rows_of_videos
from input_pipeline.annotations.training_windows import SegmentOptions, with_segments
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import Origin, PoseSource
from input_pipeline.skeletons.registry import Skeleton

SKELETON = Skeleton(name='two', joints=('a', 'b'), limbs=(('a', 'b'),))
HEADER = 'video,person,start,stop,label\n'


def clip(
  video_id: str,
  people: int = 1,
  frames: int = 60,
  frame_rate: float | None = 10.0,
) -> PoseClip:
  """People side by side, whose x of joint a is 100 · person + frame / 100."""
  x = 100 * np.arange(people) + np.arange(frames)[:, None] / 100
  keypoints = np.zeros((frames, people, 2, 2), np.float32)
  keypoints[:, :, 0, 0], keypoints[:, :, 1, 0] = x, x + 20
  keypoints[:, :, 1, 1] = 20
  scores = np.ones((frames, people, 2))
  return PoseClip(
    video_id, keypoints, scores, (200, 900), SKELETON, frame_rate=frame_rate
  )


def source(*clips: PoseClip, **changes) -> PoseSource:
  by_name = {clip.video_id: clip for clip in clips}
  first, *rest = by_name
  splits = {'train': (first,), 'test': tuple(rest)}
  fields = {'splits': splits, 'class_names': ('unknown',)} | changes
  return PoseSource(SKELETON, load=by_name.__getitem__, **fields)


@pytest.fixture
def cut(tmp_path):
  """Cuts a source with the lines of a plain segment file."""

  def make(source, lines, **options):
    path = tmp_path / 'segments.csv'
    path.write_text(HEADER + lines)
    return with_segments(source, SegmentOptions(str(path), **options))

  return make


def labels(cut) -> dict[str, str]:
  names = [name for ids in cut.splits.values() for name in ids]
  return {name: cut.class_names[cut.load(name).labels[0]] for name in names}


def test_long_segments_give_windows_and_short_ones_themselves(cut):
  """At 10 frames per second: 0 to 34 in windows of 20 every 10, and 40 to 55."""
  made = cut(source(clip('a')), 'a.mp4,,0,3.4,walk\na.mp4,,4,5.5,sit\n')
  assert made.class_names == ('sit', 'walk')
  assert labels(made) == {
    'a#t0@0': 'walk',
    'a#t0@10': 'walk',
    'a#t0@14': 'walk',
    'a#t0@40': 'sit',
  }
  window = made.load('a#t0@14')
  assert window.num_frames == 20
  np.testing.assert_allclose(window.keypoints[0, 0, 0], [0.14, 0], rtol=1e-6)
  assert made.load('a#t0@40').num_frames == 15


def test_background_is_the_time_between(cut):
  made = cut(
    source(clip('a')), 'a,,1,2,walk\na,,4,6,walk\n', background='nothing', window='30'
  )
  assert made.class_names == ('walk', 'nothing')
  assert labels(made) == {
    'a#t0@10': 'walk',
    'a#t0@40': 'walk',
    'a#t0@0': 'nothing',
    'a#t0@20': 'nothing',
  }


def test_background_may_also_be_labelled(cut):
  made = cut(source(clip('a')), 'a,,0,2,idle\na,,2,6,walk\n', background='idle')
  assert made.class_names == ('walk', 'idle')
  assert set(labels(made).values()) == {'walk', 'idle'}


def test_people_have_their_own_segments(cut):
  two = clip('a', people=2)
  made = cut(source(two), 'a,t0,0,1,walk\na,t1,0,1,sit\na,,3,4,wave\n')
  assert labels(made) == {
    'a#t0@0': 'walk',
    'a#t1@0': 'sit',
    'a#t0@30': 'wave',
    'a#t1@30': 'wave',
  }
  assert made.load('a#t1@0').keypoints[0, 0, 0, 0] == 100


def test_identities_of_a_tracker_are_the_names(cut):
  two = dataclasses.replace(clip('a', people=2), identities=np.tile([9, 4], (60, 1)))
  made = cut(source(two), 'a,4,0,1,walk\n')
  (name,) = labels(made)
  assert name == 'a#4@0'
  assert made.load(name).keypoints[0, 0, 0, 0] == 100


def test_the_only_person_may_have_any_name(cut):
  assert labels(cut(source(clip('a')), 'a,mother,0,1,walk\n')) == {'a#t0@0': 'walk'}


def test_splits_and_groups_are_those_of_the_videos(cut):
  made = cut(
    source(clip('a'), clip('b'), clip('c'), groups={'b': 'day1'}),
    'a,,0,1,walk\nb,,0,1,sit\nd,,0,1,sit\n',
  )
  assert made.splits == {'train': ('a#t0@0',), 'test': ('b#t0@0',)}
  assert made.groups == {'a#t0@0': 'a', 'b#t0@0': 'day1'}
  without, missing = made.notes
  assert without.message.startswith('1 of 3 videos have no segment')
  assert without.message.endswith('left out: c')
  assert missing.message.endswith('have no poses: d')


def test_windows_that_hardly_show_the_person_are_left_out(cut):
  scores = np.ones((60, 1, 2))
  scores[2:20] = 0
  made = cut(source(dataclasses.replace(clip('a'), scores=scores)), 'a,,0,4,walk\n')
  assert list(labels(made)) == ['a#t0@10', 'a#t0@20']
  assert made.notes[0].message.startswith('1 windows are left out')


def test_the_origin_says_how(cut, tmp_path):
  origin = Origin(('poses',), 'numpy', 'two', {})
  made = cut(source(clip('a'), origin=origin), 'a,,0,1,walk\n', background='none')
  assert made.origin.segments == str(tmp_path / 'segments.csv')
  assert made.origin.segment_options['background'] == 'none'


@pytest.mark.parametrize(
  ('lines', 'message'),
  [
    (
      'x.mp4,,0,1,walk\n',
      'names no video of the poses: it names x.mp4, the poses are of',
    ),
    ('a,,7,8,walk\n', r"line 2: 'walk' starts at 7 s, but the poses of 'a' end at 6 s"),
    ('a,,1e308,1.5e308,walk\n', r"'walk' starts at 1e\+308 s, but the poses"),
    (
      'b,t7,0,1,walk\n',
      "line 2: there is no person 't7' in the poses of 'b'; they show t0",
    ),
    ('a,m,0,2,walk\na,f,1,3,sit\n', "clip 'a': 'sit' from frame 10 overlaps 'walk'"),
    ('a,,0,0.01,walk\n', 'no segment of .* has 2 frames that show its person'),
  ],
)
def test_segments_that_do_not_fit(cut, lines, message):
  with pytest.raises(PoseDataError, match=message) as caught:
    cut(source(clip('a'), clip('b', people=2)), lines)
  assert '\n' not in str(caught.value)


def test_seconds_need_a_frame_rate(cut):
  unknown = source(clip('a', frame_rate=None))
  with pytest.raises(PoseDataError, match="clip 'a': its frame rate is not known, and"):
    cut(unknown, 'a,,0,1,walk\n')
  made = cut(unknown, 'a,,0,1,walk\n', frame_rate=5.0)
  assert made.load('a#t0@0').num_frames == 5


def test_clips_of_one_person_each_are_refused(cut):
  origin = Origin(('poses',), 'numpy', 'two', {'per_person': True})
  with pytest.raises(PoseDataError, match='leave per_person out'):
    cut(source(clip('a'), origin=origin), 'a,,0,1,walk\n')


def test_names_of_videos(tmp_path):
  offered = source(clip('walk/one'), clip('two.final'), clip('x/one'))
  path = tmp_path / 's.csv'

  def found(video):
    path.write_text(f'{HEADER}{video},,0,1,walk\n')
    return list(rows_of_videos(offered, read_segments(path)))

  assert found('C:\\films\\two.final.mp4') == ['two.final']
  assert found('walk/one') == ['walk/one']
  with pytest.raises(PoseDataError, match=r"'one\.mp4' may be walk/one, x/one; name"):
    found('one.mp4')
