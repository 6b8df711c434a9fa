"""Features of a trajectory against values worked by hand and against numpy."""

import numpy as np
import pytest

from ddnet_jax import features


def wandering(clips=3, frames=9, joints=4, seed=0):
  rng = np.random.default_rng(seed)
  return rng.normal(0, 1, (clips, frames, joints, 2)).astype(np.float32)


def line(*places):
  """One person with one joint that is at these x; y is 10 times as large."""
  places = np.array(places, np.float32)
  return np.stack([places, 10 * places], axis=-1)[None, :, None]


def test_distances_by_hand():
  # A triangle with sides 3, 5, 4 that doubles in the second frame: the mean is 6.
  triangle = np.array([[0, 0], [3, 0], [3, 4]], np.float32)
  found = features.joint_collection_distances(np.stack([triangle, 2 * triangle])[None])
  wanted = (np.array([[3, 5, 4], [6, 10, 8]]) - 6) / 6
  np.testing.assert_allclose(found[0], wanted, rtol=1e-6)


def test_distances_forget_size_and_place():
  clip = wandering()
  same = features.joint_collection_distances(clip)
  moved = features.joint_collection_distances(7 * clip + 2)
  assert same.shape == (3, 9, 6)
  np.testing.assert_allclose(same, moved, atol=1e-5)


def test_distances_of_nobody_are_zero():
  found = features.joint_collection_distances(np.zeros((1, 4, 3, 2), np.float32))
  np.testing.assert_array_equal(found, np.zeros((1, 4, 3)))


def test_slow_motion_by_hand():
  # Differences 1, 2, 4 over 4 frames: half-pixel centres read places -1/8, 5/8, 11/8
  # and 17/8, held at the ends.
  found = features.slow_motion(line(0, 1, 3, 7))
  wanted = np.array([1, 1 + 5 / 8, 2 + 2 * 3 / 8, 4])
  np.testing.assert_allclose(found[0, :, 0], wanted, rtol=1e-6)
  np.testing.assert_allclose(found[0, :, 1], 10 * wanted, rtol=1e-6)


def stretched(motion, frames):
  """numpy's linear interpolation with half-pixel centres."""
  places = (np.arange(frames) + 0.5) * len(motion) / frames - 0.5
  return np.stack(
    [np.interp(places, np.arange(len(motion)), column) for column in motion.T], axis=1
  )


@pytest.mark.parametrize('frames', [8, 9, 32])
def test_motions_equal_numpy(frames):
  clip = wandering(clips=1, frames=frames)
  flat = clip[0].reshape(frames, -1)
  wanted = stretched(np.diff(flat, axis=0), frames)
  np.testing.assert_allclose(features.slow_motion(clip)[0], wanted, atol=1e-5)
  fast = stretched(np.diff(flat[::2], axis=0), len(flat[::2]))
  np.testing.assert_allclose(features.fast_motion(clip)[0], fast, atol=1e-5)


def test_steps_and_strides_by_hand():
  clip = line(0, 1, 3, 6, 10, 15)
  assert features.steps(clip)[0, :, 0, 0].tolist() == [5, 10, 15, 20, 25, 25]
  # From two frames before to two frames after: 10 and 14, twice each.
  assert features.strides(clip)[0, :, 0, 0].tolist() == [20, 20, 20, 28, 28, 28]
  assert features.strides(clip)[0, :, 0, 1].tolist() == [200, 200, 200, 280, 280, 280]


def test_centred_by_hand():
  joints = np.array([[0, 0], [2, 6]], np.float32)
  found = features.centred(joints[None, None])
  assert found[0, 0].tolist() == [[-1, -3], [1, 3]]


def test_distances_to_all_joints_equal_numpy():
  clip = wandering()
  found = np.asarray(features.distances_to_all_joints(clip))
  apart = np.linalg.norm(clip[:, :, :, None] - clip[:, :, None], axis=-1)
  np.testing.assert_allclose(found, np.sqrt(apart**2 + 1e-6), rtol=1e-5)
  pairs = features.STREAMS['distances'](clip)
  np.testing.assert_allclose(pairs, found[:, :, *np.triu_indices(4, 1)], rtol=1e-6)


def test_streams_are_flat():
  clip = wandering()
  sizes = {name: stream(clip).shape for name, stream in features.STREAMS.items()}
  assert sizes == {
    'distances': (3, 9, 6),
    **dict.fromkeys(('positions', 'steps', 'strides'), (3, 9, 8)),
  }
  first = features.STREAMS['steps'](clip)[0, 0]
  np.testing.assert_allclose(first, 5 * (clip[0, 1] - clip[0, 0]).ravel(), rtol=1e-5)
