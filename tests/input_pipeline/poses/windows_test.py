"""Windows over a video and the people in them, worked by hand."""

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.windows import (
  PersonWindows,
  Windows,
  parse_frames,
  person_windows,
)


def pose(x: float) -> np.ndarray:
  return np.array([[x, 0, 1], [x + 10, 10, 1]], np.float32)


def video(*places: tuple[float, ...]):
  """One frame per tuple, with a person at each place."""
  for frame in places:
    yield np.array([pose(x) for x in frame], np.float32).reshape(-1, 2, 3), None


def cut(places, length, stride):
  windows = person_windows(video(*places), Windows(length, stride), 2)
  return [(w.person, w.start, w.stop) for w in windows]


def test_windows_end_with_the_video():
  alone = [(0.0,)] * 10
  spans = [(0, 4), (3, 7), (6, 10)]
  assert cut(alone, 4, 3) == [('t0', *span) for span in spans]
  # With 11 frames, one more window ends with the clip.
  assert cut([*alone, (0.0,)], 4, 3) == [('t0', *span) for span in [*spans, (7, 11)]]


def test_a_short_video_is_one_window():
  assert cut([(0.0,)] * 3, 8, 4) == [('t0', 0, 3)]
  assert cut([], 8, 4) == []


def test_people_are_in_the_windows_that_show_them():
  # The second person is seen in frames 3 to 4: in 1 of 4 frames of the first window.
  places = [(0.0,), (0.0,), (0.0,), (0.0, 50.0), (0.0, 50.0), (0.0,), (0.0,), (0.0,)]
  assert cut(places, 4, 4) == [
    *(('t0', 0, 4), ('t1', 0, 4)),
    *(('t0', 4, 8), ('t1', 4, 8)),
  ]
  # One of 8 frames is too little.
  assert cut([(0.0,)] * 7 + [(0.0, 50.0)], 8, 8) == [('t0', 0, 8)]


def test_poses_are_those_of_the_person_and_missing_ones_have_score_0():
  (first, second) = person_windows(
    video((0.0, 50.0), (51.0,), (2.0, 52.0), (3.0, 53.0)), Windows(4, 4), 2
  )
  assert first.poses[:, 0, 0].tolist() == [0, 0, 2, 3]
  assert first.poses[:, 0, 2].tolist() == [1, 0, 1, 1]
  assert second.poses[:, 0, 0].tolist() == [50, 51, 52, 53]


def test_memory_is_bounded():
  cutter = PersonWindows(Windows(5, 5), 2)
  for number, (people, _) in enumerate(video(*[(100.0 * n,) for n in range(300)])):
    windows = cutter.push(people)
    assert len(windows) <= 4, number  # At most 1 / LEAST_VISIBLE per person kept.
  assert len(cutter._frames) == 5


@pytest.mark.parametrize(
  ('text', 'rate', 'frames'),
  [('30', None, 30), ('30.0', 25.0, 30), ('1.5s', 30.0, 45), ('0.01 s', 25.0, 1)],
)
def test_durations(text, rate, frames):
  assert parse_frames(text, rate, 'window') == frames


@pytest.mark.parametrize(
  ('text', 'rate', 'message'),
  [
    (
      '1.5',
      25.0,
      "window is '1.5', but must be a whole number of frames such as 30, or",
    ),
    ('x', 25.0, "window is 'x'"),
    ('0', 25.0, "window is '0'"),
    ('-2s', 25.0, "window is '-2s'"),
    ('nans', 25.0, "window is 'nans'"),
    ('2s', None, 'in seconds, but the frame rate of the poses is not known'),
  ],
)
def test_no_durations(text, rate, message):
  with pytest.raises(PoseDataError, match=message):
    parse_frames(text, rate, 'window')


@pytest.mark.parametrize(
  ('length', 'stride', 'message'),
  [(0, 1, 'must be at least 1'), (4, 0, 'at least 1'), (4, 5, 'is longer than the')],
)
def test_windows_that_make_no_sense(length, stride, message):
  with pytest.raises(PoseDataError, match=message):
    Windows(length, stride)
