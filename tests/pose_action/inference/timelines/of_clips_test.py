"""Timelines of many videos: what is printed, written and measured."""

import dataclasses
import warnings

import pytest
from timeline_models import Halves, video

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import PoseWarning
from pose_action.inference.errors import PredictorError
from pose_action.inference.timelines.of_clips import TimelineOptions, write_timelines

STEP = (400.0,) * 4 + (510.0,) * 4
HEADER = 'video,person,start,stop,label\n'


def clip(name='v', **changes):
  return dataclasses.replace(video(STEP), video_id=name, **changes)


THRESHOLD = 'note: the run has no threshold from held-out clips, so actions begin at a'


def written(clips, tmp_path, segments='', files=(), model=None, **how):
  """Those that cannot be used, and the lines after the one about the threshold."""
  lines = []
  if segments:
    (tmp_path / 's.csv').write_text(HEADER + segments)
    segments = str(tmp_path / 's.csv')
  options = TimelineOptions(tuple(files), segments, {'window': 4, 'stride': 2} | how)
  refused = write_timelines(model or Halves(), clips, options, lines.append)
  return refused, [line for line in lines if not line.startswith(THRESHOLD)]


def test_bouts_are_printed(tmp_path):
  refused, lines = written([clip(), clip('w', frame_rate=None)], tmp_path)
  assert refused == []
  assert lines == [
    *('v', '  t0: 0.00-0.40 s  left 0.88', '  t0: 0.40-0.80 s  right 0.88'),
    *('w', '  t0: frames 0-4  left 0.88', '  t0: frames 4-8  right 0.88'),
  ]


def test_actions_begin_at_the_threshold_of_the_run(tmp_path):
  """'left' has 1, 1, 0.75, 0.75, 0.25, … of a frame: at 0.9 it lasts for two frames."""
  model = Halves()
  model.bout_threshold = 0.9
  _, lines = written([clip()], tmp_path, model=model, hysteresis=0.1)
  assert lines == [
    'note: actions begin at a probability of 0.90, which keeps 95 % of the right answers'
    ' on held-out clips; --bout_threshold sets it',
    *('v', '  t0: 0.00-0.20 s  left 1.00', '  t0: 0.60-0.80 s  right 1.00'),
  ]
  _, lines = written([clip()], tmp_path, model=model, threshold=0.5)
  assert lines[1] == '  t0: 0.00-0.40 s  left 0.88'


def test_a_clip_that_cannot_be_used_does_not_stop_the_rest(tmp_path):
  path = tmp_path / 'bouts.csv'
  refused, lines = written(
    [clip('a', frame_rate=None), clip('b')], tmp_path, files=[str(path)], window='0.4s'
  )
  assert [name for name, _ in refused] == ['a']
  assert lines[0].startswith('a: cannot be used: window is 0.4s, in seconds, but')
  assert lines[-1] == f'wrote {path}'
  assert len(path.read_text().splitlines()) == 3


def test_measures_by_hand(tmp_path):
  """True: left for 6 of 8 frames, right for 2; predicted 4 and 4: 6 of 8 frames right."""
  _, lines = written([clip()], tmp_path, 'v.mp4,,0,0.6,left\nv.mp4,,0.6,0.8,right\n')
  # F1: left 2 · 4 / (6 + 4) = 0.8, right 2 · 2 / (2 + 4) = 0.667. IoU 4/6 and 2/4.
  assert lines[-1] == (
    '1 person with labels in time: frame accuracy 75.0%, frame F1 73.3%,'
    ' segment F1@10 100.0%, @25 100.0%, @50 100.0%, edit score 100.0%'
  )


def test_a_class_that_the_model_does_not_know_is_missed(tmp_path):
  _, lines = written([clip()], tmp_path, 'v,,0,0.4,left\nv,,0.4,0.8,jump\n')
  assert 'frame accuracy 50.0%' in lines[-1]
  # left 1, right 0, jump 0; 1 of 2 true and 1 of 2 predicted segments.
  assert 'frame F1 33.3%, segment F1@10 50.0%' in lines[-1]


def test_segments_of_other_videos_measure_nothing(tmp_path):
  with pytest.raises(
    PoseDataError, match='names none of the clips that were predicted'
  ):
    written([clip()], tmp_path, 'other,,0,1,left\n')


def test_options_are_checked_before_anything_is_predicted():
  with pytest.raises(PredictorError, match='is no form of a timeline'):
    TimelineOptions(files=('x.txt',))
  with pytest.raises(PredictorError, match='threshold is 7'):
    TimelineOptions(how={'threshold': 7})


def test_what_the_model_warns_of_is_said_once(tmp_path):
  class Warns(Halves):
    def predict(self, clips, *, batch_size=32):
      warnings.warn('joints are mapped', PoseWarning, stacklevel=2)
      return super().predict(clips, batch_size=batch_size)

  _, lines = written([clip('a'), clip('b')], tmp_path, model=Warns())
  assert lines[-1] == 'warning: joints are mapped'
  assert lines.count(lines[-1]) == 1
