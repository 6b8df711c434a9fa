"""Lines about frames, by a clock that the test turns."""

from pose_action.extraction.pace import FramePace


def test_a_line_a_second_says_how_long_it_will_take():
  now = [0.0]
  pace = FramePace(videos=2, frames=100, clock=lambda: now[0])
  now[0] = 0.9
  assert pace.frames_done(8) is None
  now[0] = 2.0
  # 20 frames in 2 s; 80 are left.
  expected = '0/2 videos, 20/100 frames, 10.0 frames a second, 8 s left'
  assert pace.frames_done(12) == expected
  assert pace.frames_done(1) is None


def test_frames_that_will_not_come_are_not_waited_for():
  now = [0.0]
  pace = FramePace(videos=2, frames=100, clock=lambda: now[0])
  pace.frames_done(20)
  pace.video_done(missing=30)
  now[0] = 2.5
  expected = '1/2 videos, 25/70 frames, 10.0 frames a second, 5 s left'
  assert pace.frames_done(5) == expected


def test_more_frames_than_promised():
  now = [0.0]
  pace = FramePace(videos=1, frames=0, clock=lambda: now[0])
  now[0] = 1.0
  assert pace.frames_done(8) == (
    '0/1 videos, 8/8 frames, 8.0 frames a second, 0 s left'
  )
