"""Frame indices for training and test clips, worked by hand and by their properties."""

import numpy as np
import pytest

from input_pipeline.loading import sampling
from input_pipeline.loading.sampling import RULES, check_rule, training_frames


class Extreme:
  """A generator that always draws the same value."""

  def __init__(self, value):
    self.value = value

  def random(self, size=None):
    return self.value if size is None else np.full(size, self.value)


ALMOST_ONE = np.nextafter(1, 0)  # The largest number that a generator can draw.


def test_segments_by_hand():
  views = sampling.test_frames(40, 4, 10, 'segments')
  assert views.shape == (10, 4)
  np.testing.assert_array_equal(views[0], [0, 10, 20, 30])
  np.testing.assert_array_equal(views[3], [3, 13, 23, 33])
  np.testing.assert_array_equal(views[9], [9, 19, 29, 39])
  np.testing.assert_array_equal(sampling.test_frames(8, 4, 1), [[1, 3, 5, 7]])
  # Segments of 2.5 frames: positions 0.625, 3.125, … and 1.875, 4.375, …
  np.testing.assert_array_equal(
    sampling.test_frames(10, 4, 2), [[0, 3, 5, 8], [1, 4, 6, 9]]
  )


def test_consecutive_by_hand():
  # Seven starts, 0 to 6; the views are at 1/6, 3/6 and 5/6 of this range.
  np.testing.assert_array_equal(
    sampling.test_frames(10, 4, 3, 'consecutive'),
    [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7, 8]],
  )


def test_a_short_video_repeats_frames():
  np.testing.assert_array_equal(sampling.test_frames(2, 4, 1), [[0, 0, 1, 1]])
  np.testing.assert_array_equal(
    sampling.test_frames(2, 4, 1, 'consecutive'), [[0, 1, 1, 1]]
  )
  np.testing.assert_array_equal(
    training_frames(np.random.default_rng(0), 1, 3), [0, 0, 0]
  )


DRAWN = ('segments', 'consecutive')


@pytest.mark.parametrize('rule', RULES)
def test_every_index_is_a_frame_of_the_video_and_time_runs_forward(rule):
  rngs = [np.random.default_rng(0), Extreme(0.0), Extreme(ALMOST_ONE)]
  for length in range(1, 61):
    for num_frames in range(1, 13):
      clips = [training_frames(rng, length, num_frames, rule) for rng in rngs]
      views = 5 if rule in DRAWN else 1
      clips.extend(sampling.test_frames(length, num_frames, views, rule))
      clips = np.stack(clips)
      assert clips.shape == (3 + views, num_frames)
      assert clips.dtype == np.int64
      assert clips.min() >= 0
      assert clips.max() < length
      assert (np.diff(clips, axis=1) >= 0).all()


@pytest.mark.parametrize(('length', 'num_frames'), [(13, 4), (40, 8), (12, 12), (5, 8)])
def test_a_training_frame_lies_in_its_own_segment(length, num_frames):
  rng = np.random.default_rng(1)
  starts = np.arange(num_frames) * length / num_frames
  seen = set()
  for _ in range(400):
    frames = training_frames(rng, length, num_frames)
    # Frame f covers the time from f to f + 1, which must overlap its segment.
    assert (frames + 1 > starts).all()
    assert (frames < starts + length / num_frames).all()
    seen.update(frames.tolist())
  assert seen == set(range(length))  # Every frame is sampled at some time.


def test_segments_are_drawn_independently_and_evenly():
  rng = np.random.default_rng(2)
  clips = np.stack([training_frames(rng, 8, 2) for _ in range(4000)])
  pairs, counts = np.unique(clips, axis=0, return_counts=True)
  np.testing.assert_array_equal(pairs, [[i, 4 + k] for i in range(4) for k in range(4)])
  np.testing.assert_allclose(counts, 250, rtol=0.25)  # Four standard deviations.


def test_consecutive_training_frames_are_adjacent_and_start_anywhere():
  rng = np.random.default_rng(3)
  clips = np.stack([training_frames(rng, 10, 4, 'consecutive') for _ in range(700)])
  assert (np.diff(clips, axis=1) == 1).all()
  starts, counts = np.unique(clips[:, 0], return_counts=True)
  np.testing.assert_array_equal(starts, range(7))
  np.testing.assert_allclose(counts, 100, rtol=0.45)


def test_training_frames_follow_the_generator_alone():
  first = training_frames(np.random.default_rng(5), 50, 6)
  np.testing.assert_array_equal(first, training_frames(np.random.default_rng(5), 50, 6))
  assert (first != training_frames(np.random.default_rng(6), 50, 6)).any()


@pytest.mark.parametrize('rule', DRAWN)
def test_views_are_the_same_at_each_call_and_distinct_where_possible(rule):
  np.random.seed(0)  # noqa: NPY002 (hidden state must not matter)
  views = sampling.test_frames(40, 4, 10, rule)
  np.random.seed(1)  # noqa: NPY002
  np.testing.assert_array_equal(views, sampling.test_frames(40, 4, 10, rule))
  assert len(np.unique(views, axis=0)) == 10
  assert len(np.unique(sampling.test_frames(13, 4, 10, rule), axis=0)) == 10
  # Four frames from a video of four leave no choice.
  np.testing.assert_array_equal(sampling.test_frames(4, 4, 3, rule), [[0, 1, 2, 3]] * 3)


def test_views_of_segments_share_no_frame_where_there_are_enough():
  assert len(np.unique(sampling.test_frames(40, 4, 10))) == 40


def test_whole_by_hand():
  def frames(length):
    return sampling.test_frames(length, 5, 1, 'whole').tolist()

  assert frames(1) == [[0, 0, 0, 0, 0]]
  assert frames(3) == [[0, 1, 2, 2, 2]]
  assert frames(5) == [[0, 1, 2, 3, 4]]
  # Every 1.25, every 2, and every 24.75 frames.
  assert frames(6) == [[0, 1, 2, 4, 5]]
  assert frames(9) == [[0, 2, 4, 6, 8]]
  assert frames(100) == [[0, 25, 50, 74, 99]]


def test_whole_draws_nothing_and_skips_evenly():
  for length in range(1, 61):
    for num_frames in range(2, 13):
      clip = training_frames(np.random.default_rng(0), length, num_frames, 'whole')
      view = sampling.test_frames(length, num_frames, 1, 'whole')
      np.testing.assert_array_equal(view, [clip])
      real = sampling.real_frames(length, num_frames, 'whole')
      assert (clip[0], clip[real - 1]) == (0, length - 1)
      assert (clip[real:] == length - 1).all()
      steps = np.diff(clip[:real])
      assert real == 1 or (steps.min() >= 1 and np.ptp(steps) <= 1)


def test_real_frames():
  assert sampling.real_frames(3, 5, 'whole') == 3
  assert sampling.real_frames(7, 5, 'whole') == 5
  assert sampling.real_frames(3, 5, 'segments') == 5
  assert sampling.real_frames(3, 5, 'consecutive') == 5


def test_the_whole_video_has_one_view():
  with pytest.raises(ValueError, match=r'eval\.views is 10, .* config\.eval\.views=1'):
    sampling.test_frames(9, 3, 10, 'whole')


@pytest.mark.parametrize(
  'call',
  [
    check_rule,
    lambda rule: training_frames(np.random.default_rng(0), 9, 3, rule),
    lambda rule: sampling.test_frames(9, 3, 2, rule),
    lambda rule: sampling.real_frames(9, 3, rule),
  ],
)
def test_an_unknown_rule_is_refused(call):
  message = (
    r"no sampling rule 'segment'; it is one of \('segments', 'consecutive', 'whole'\)"
  )
  with pytest.raises(ValueError, match=message):
    call('segment')
