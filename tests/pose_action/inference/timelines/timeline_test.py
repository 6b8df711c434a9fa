"""Timelines from sliding windows, worked by hand."""

import numpy as np
import pytest
from timeline_models import Halves, video

from input_pipeline.errors import PoseDataError
from pose_action.evaluation.timelines import NOTHING
from pose_action.inference.errors import PredictorError
from pose_action.training.clip_times import ClipTimes

NAN = float('nan')
# A person who steps from left to right in frame 4.
STEP = (400.0,) * 4 + (510.0,) * 4


def test_overlapping_windows_are_averaged():
  """Windows 0-4, 2-6 and 4-8 have 'left' in 4, 2 and 0 of their 4 frames."""
  timeline = Halves().timeline(video(STEP), window=4, stride=2)
  (one,) = timeline.people
  assert (one.person, one.start, one.stop) == ('t0', 0, 8)
  np.testing.assert_allclose(
    one.probabilities[:, 0], [1, 1, 0.75, 0.75, 0.25, 0.25, 0, 0]
  )
  np.testing.assert_allclose(one.probabilities.sum(axis=1), 1)
  assert [bout[:4] for bout in timeline.bouts] == [
    ('t0', 'left', 0, 4),
    ('t0', 'right', 4, 8),
  ]
  assert timeline.bouts[0].score == pytest.approx(0.875)
  assert timeline.labels('t0').tolist() == [0] * 4 + [1] * 4


def test_by_default_a_window_is_a_training_clip_and_overlaps_fourfold():
  timeline = Halves().timeline(video(STEP))
  assert (timeline.windows.length, timeline.windows.stride) == (4, 1)


def test_seconds():
  timeline = Halves().timeline(video(STEP), window='0.4s', stride='0.2s')
  assert (timeline.windows.length, timeline.windows.stride) == (4, 2)
  assert timeline.seconds(5) == 0.5
  other = Halves().timeline(video(STEP), window='0.4s', frame_rate=20.0)
  assert other.windows.length == 8
  with pytest.raises(
    PoseDataError, match='window is 1s, in seconds, but the frame rate'
  ):
    Halves().timeline(video(STEP, frame_rate=None), window='1s')


def test_every_person_has_a_timeline_of_their_own():
  late = (NAN,) * 4 + (900.0,) * 4
  timeline = Halves().timeline(video(STEP, late), window=4, stride=4)
  first, second = timeline.people
  assert (second.person, second.start, second.stop) == ('t1', 4, 8)
  np.testing.assert_allclose(second.probabilities[:, 1], 1)
  assert timeline.labels('t1').tolist() == [NOTHING] * 4 + [1] * 4
  assert len(first.probabilities) == 8


def test_no_answer_between_windows():
  """The person is away from frame 4 to 11, and comes back within the tracker's time."""
  away = (400.0,) * 4 + (NAN,) * 8 + (400.0,) * 4
  (one,) = Halves().timeline(video(away), window=4, stride=4).people
  assert np.isnan(one.probabilities[4:12]).all()
  assert not np.isnan(one.probabilities[[*range(4), *range(12, 16)]]).any()


def test_a_person_seen_too_briefly_has_none():
  timeline = Halves().timeline(video((NAN,) * 7 + (400.0,)), window=8)
  assert timeline.people == timeline.bouts == ()


def test_the_background_is_no_bout():
  model = Halves()
  model.background_class = 'left'
  timeline = model.timeline(video(STEP), window=4, stride=2)
  assert [bout.label for bout in timeline.bouts] == ['right']
  assert timeline.labels('t0').tolist() == [NOTHING] * 4 + [1] * 4


def test_windows_are_predicted_in_batches():
  model = Halves()
  model.timeline(video((400.0,) * 13), window=4, stride=1, batch_size=4)
  assert model.batches == [4, 4, 2]


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'window': 4, 'stride': 5}, 'is longer than the window'),
    ({'window': 'soon'}, "window is 'soon'"),
    ({'min_length': '0'}, "min_length is '0'"),
    ({'threshold': 2}, 'threshold is 2'),
  ],
)
def test_options_that_make_no_sense(options, message):
  with pytest.raises(ValueError, match=message):
    Halves().timeline(video(STEP), **options)


def test_the_window_lasts_as_long_as_a_training_clip():
  model = Halves()
  model.clip_times = ClipTimes.of_clips([30], [30.0])
  # 30 frames at 30 per second are one second: 10 frames of the video.
  assert model.timeline(video(STEP, frame_rate=10.0)).windows.length == 10
  assert model.timeline(video(STEP, frame_rate=None)).windows.length == 30


def test_a_model_that_does_not_know_its_clips_needs_a_window():
  model = Halves()
  model.clip_times = None
  with pytest.raises(PredictorError, match='give the window: 30 for frames, or 2s'):
    model.timeline(video(STEP))


class Rates(Halves):
  """Notes the frame rates of the windows that it is given."""

  def __init__(self):
    super().__init__()
    self.rates = set()

  def predict(self, clips, *, batch_size=32):
    clips = list(clips)
    self.rates |= {clip.frame_rate for clip in clips}
    return super().predict(clips, batch_size=batch_size)


def test_windows_have_the_frame_rate_of_their_video():
  """So that the model reads them at its own rate, as it reads clips."""
  model = Rates()
  model.timeline(video(STEP), window=4)
  assert model.rates == {10.0}
  model.timeline(video(STEP, frame_rate=None), window=4, frame_rate=20.0)
  assert model.rates == {10.0, 20.0}
  stream = model.stream(window=4, frame_size=(480, 1200), frame_rate=30.0)
  assert stream.num_frames == 0
  assert model.rates == {10.0, 20.0, 30.0}
