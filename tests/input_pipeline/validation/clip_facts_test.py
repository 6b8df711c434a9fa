"""Counts for a clip with two persons, worked by hand."""

import dataclasses

import numpy as np

from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.validation.clip_facts import clip_facts

PAIR = Skeleton('pair', ('head', 'tail'), (('head', 'tail'),))


def two_people() -> PoseClip:
  """Three frames (height 10, width 20): two persons, then one, then none."""
  keypoints = np.zeros((3, 2, 2, 2))
  scores = np.zeros((3, 2, 2))
  keypoints[0, 0] = [(1, 2), (19.4, 9.4)]  # Just inside the outer pixels' borders.
  keypoints[0, 1] = [(-0.6, 3), (4, 5)]  # The head is outside.
  scores[0] = 0.5
  keypoints[1, 0, 1] = (12, 9.6)  # Below the frame, and right of a turned frame.
  scores[1, 0, 1] = 1
  return PoseClip('two', keypoints, scores, (10, 20), PAIR, (4,))


def test_counts():
  facts = clip_facts(two_people())
  assert (facts.video_id, facts.labels, facts.num_frames) == ('two', (4,), 3)
  poses = facts.poses
  assert poses is not None
  assert (poses.people, poses.most_people, poses.empty_frames) == (3, 2, 1)
  assert poses.seen.tolist() == [2, 3]
  assert poses.outside.tolist() == [1, 1]
  np.testing.assert_allclose(poses.lowest, (-0.6, 2), rtol=1e-6)
  np.testing.assert_allclose(poses.highest, (19.4, 9.6), rtol=1e-6)
  # In a frame with height 20 and width 10, x = 19.4, -0.6 and 12 are outside.
  assert poses.outside_transposed == 3
  assert poses.sides is None


def test_the_digest_depends_only_on_poses():
  clip = two_people()
  renamed = dataclasses.replace(clip, video_id='other', labels=())
  moved = dataclasses.replace(clip, keypoints=clip.keypoints + np.float32(1e-3))
  first, same, other = (clip_facts(c).poses for c in (clip, renamed, moved))
  assert first is not None and same is not None and other is not None
  assert first.digest == same.digest != other.digest
