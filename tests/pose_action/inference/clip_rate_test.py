"""Clips are read at the rate of the training clips, where both are known."""

import dataclasses
import warnings

import numpy as np
import pytest
import tiny_run
import untrained_run

from input_pipeline.poses.notes import PoseWarning
from pose_action.inference.clip_rate import at_own_rate, unknown_training_rate
from pose_action.training.clip_times import ClipTimes

CLIP = tiny_run.source().load('test_500')
TIMES = ClipTimes.of_clips([8] * 20, [25.0] * 10 + [30.0] * 10)


def rated(rate):
  return dataclasses.replace(CLIP, frame_rate=rate)


@pytest.mark.parametrize('rate', [25, 27, 30, 29.97, 30.5])
def test_a_rate_among_those_of_training_stays(rate):
  assert at_own_rate(rated(rate), TIMES)[1] is None


def test_another_rate_becomes_the_median_and_that_is_said():
  clip, said = at_own_rate(rated(60), TIMES)
  assert clip.frame_rate == 27.5
  assert said == (
    'clips of 60 frames per second are resampled to 27.5, the rate of the training clips'
  )


def test_unknown_rates_stay_and_that_is_said():
  clip, said = at_own_rate(CLIP, TIMES)
  assert clip is CLIP
  assert said is not None and 'the frame rate of clips is unknown' in said
  for times in (None, ClipTimes.of_clips([8], None)):
    assert at_own_rate(rated(60), times)[1] is None
    assert 'frame rate of the training clips is unknown' in str(
      unknown_training_rate(times)
    )
  assert unknown_training_rate(TIMES) is None


def test_a_clip_at_twice_the_rate_gives_the_same_answer():
  """Frames in the middle of two are what the reader of 50 frames per second saw."""
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  model = untrained_run.predictor(config, tiny_run.SKELETON, tiny_run.CLASS_NAMES)
  model.clip_times = ClipTimes.of_clips([8], [25.0])
  whole = dataclasses.replace(rated(25), scores=np.ones_like(CLIP.scores))
  doubled = np.repeat(whole.keypoints, 2, axis=0)[:-1]
  doubled[1::2] = (whole.keypoints[:-1] + whole.keypoints[1:]) / 2
  fast = dataclasses.replace(
    whole,
    keypoints=doubled,
    scores=np.ones(doubled.shape[:-1]),
    frame_rate=50,
  )
  with pytest.warns(PoseWarning, match='clips of 50 frames per second are resampled'):
    resampled = model(fast)
  with warnings.catch_warnings():
    warnings.simplefilter('error', PoseWarning)
    own = model(whole)
  np.testing.assert_allclose(resampled.probabilities, own.probabilities, atol=1e-6)
