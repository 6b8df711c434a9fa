"""The progress of a file that shows scenes, second by second."""

import itertools
import types

from pose_action.video.scene_pace import ScenePace


def scene(name, frames):
  return lambda: types.SimpleNamespace(name=name, num_frames=frames)


def ticking():
  """A clock that goes on by a second whenever it is read."""
  return itertools.count().__next__


def test_frames_and_the_time_left_by_hand():
  """One scene of two and then one of four frames, in two passes: 12 in all."""
  lines = []
  pace = ScenePace(2, lines.append, 'frames', 2, clock=ticking())
  for _ in range(2):
    for name, frames in (('a', 2), ('b', 4)):
      made = pace.made(scene(name, frames))
      assert list(pace.counted(range(made.num_frames))) == [*range(frames)]
  # A frame per second; while only the first scene is known, the other is as long.
  assert lines[0] == 'a: 1/8 frames, 1.0 per second, 7 s left'
  assert lines[2] == 'b: 3/12 frames, 1.0 per second, 9 s left'
  assert lines[-1] == 'b: 12/12 frames, 1.0 per second, 0 s left'
  assert len(lines) == 12


def test_clips():
  lines = []
  pace = ScenePace(2, lines.append, 'clips', 1, clock=ticking())
  for name in 'ab':
    pace.made(scene(name, 9))
  assert lines == [
    'a: 1/2 clips, 1.0 per second, 1 s left',
    'b: 2/2 clips, 1.0 per second, 0 s left',
  ]


def test_nothing_is_said_without_a_report():
  pace = ScenePace(1, None, 'frames', 1)
  pace.made(scene('a', 1))
  assert list(pace.counted('x')) == ['x']
  pace.close()
