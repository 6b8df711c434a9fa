"""The tables and the JSON for two clips, worked by hand."""

import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.validation.validate import Validation, validate
from input_pipeline.validation.validation_report import as_json, as_text

PAIR = Skeleton('pair', ('head', 'tail'), (('head', 'tail'),))


@pytest.fixture
def validation() -> Validation:
  def load(video_id):
    if video_id == 'torn':
      raise PoseDataError("clip 'torn': no file")
    frames = 4 if video_id == 'long' else 2
    keypoints = np.full((frames, 1, 2, 2), 7.0 + frames)  # 11 is outside, 9 inside.
    keypoints[0, 0, 0] = (500, 3)  # Outside.
    scores = np.ones((frames, 1, 2))
    scores[-1, 0, 1] = 0
    return PoseClip(video_id, keypoints, scores, (10, 20), PAIR, (1,))

  source = PoseSource(
    PAIR, ('run', 'jump'), {'train': ('long', 'torn'), 'test': ('short',)}, load
  )
  return validate(source, progress=lambda line: None)


def test_text(validation):
  assert as_text(validation).splitlines() == [
    'skeleton pair, 2 joints',
    '2 clips, 6 frames: 2 to 4 per clip, median 3',
    'people per frame: 1.00 on average, at most 1; frames without people: 0',
    'frame sizes (clips): 20 wide, 10 high (2)',
    '',
    'split  clips  broken  empty  frames',
    'train      2       1      0       4',
    'test       1       0      0       2',
    '',
    'class  train  test',
    'run        0     0',
    'jump       1     1',
    '',
    'joint  missing  outside frame',
    'head      0.0%          83.3%',  # All 4 in the long clip, 1 of 2 in the short.
    'tail     33.3%          75.0%',
    '',
    "error: clip 'torn': no file",
    '',
    'warning: classes with no clip: run',
    'warning: classes with few clips: jump (2)',
    'warning: clips have fewer than 3 frames: short',
    'warning: more than 20% of the joints lie outside the frame (2 clips): long, short',
    'warning: frames 20 wide, 10 high: 80% of the joints lie outside; is that'
    ' the right size? (2 clips): long, short',
    '',
    '1 error, 5 warnings',
  ]


def test_json(validation):
  report = json.loads(json.dumps(as_json(validation)))
  assert report['splits'] == {
    'train': {'named': 2, 'loaded': 1},
    'test': {'named': 1, 'loaded': 1},
  }
  assert (report['num_clips'], report['num_frames'], report['most_people']) == (2, 6, 1)
  assert report['frame_sizes'] == {'20 wide, 10 high': 2}
  assert report['classes'] == {'run': 0, 'jump': 2}
  assert report['joints']['tail']['missing'] == pytest.approx(1 / 3)
  assert report['errors'] == [
    {
      'severity': 'error',
      'check': 'broken_clip',
      'message': "clip 'torn': no file",
      'clips': ['torn'],
    }
  ]
  assert [w['check'] for w in report['warnings']] == [
    *['rare_class', 'rare_class', 'short_clip', 'outside_frame', 'frame_size']
  ]


def test_long_lists_are_shortened():
  def load(video_id):
    raise PoseDataError(f'clip {video_id!r}: no file {"x" * int(video_id[1:])}')

  names = tuple(f'c{i}' for i in range(30))
  lines = as_text(
    validate(PoseSource(PAIR, (), {'all': names}, load), progress=lambda line: None)
  ).splitlines()
  assert sum(line.startswith('error:') for line in lines) == 20
  assert 'and 11 more errors' in lines  # 30 broken clips, and an unusable split.


def test_equal_reasons_are_one_error_with_the_names_of_its_clips():
  def load(video_id):
    raise PoseDataError(f'clip {video_id!r}: /poses/{video_id}/7.json is torn')

  names = tuple(f'c{i}' for i in range(12))
  source = PoseSource(PAIR, (), {'all': names}, load)
  validation = validate(source, progress=lambda line: None)
  text = as_text(validation).splitlines()
  assert (
    "error: clip 'c0': /poses/c0/7.json is torn (12 clips): c1, c2, c3, c4, c5, c6, c7,"
    ' c8, and 3 more'
  ) in text
  assert '2 errors, 0 warnings' in text  # Also a split without a usable clip.
  report = as_json(validation)
  assert report['errors'][0]['clips'] == names
  assert report['broken']['c9'] == "clip 'c9': /poses/c9/7.json is torn"
