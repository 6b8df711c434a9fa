"""Missing joints against a loop over joints with numpy's interpolation."""

import jax
import jax.numpy as jnp
import numpy as np

from input_pipeline.trajectories.missing_joints import fill_missing

fill = jax.jit(fill_missing)


def filled_one_by_one(cells, seen):
  """The rule as a loop: `np.interp` per joint, then the mean of its person's others."""
  frames = np.arange(len(cells))
  result = np.zeros_like(cells)
  for person in range(cells.shape[1]):
    known = [j for j in range(cells.shape[2]) if seen[:, person, j].any()]
    for joint in known:
      there = np.flatnonzero(seen[:, person, joint])
      for axis in range(2):
        values = cells[there, person, joint, axis]
        result[:, person, joint, axis] = np.interp(frames, there, values)
    for joint in set(range(cells.shape[2])) - set(known):
      if known:
        result[:, person, joint] = result[:, person, known].mean(axis=1)
  return result


def test_by_hand():
  cells = np.full((5, 1, 3, 2), 99, np.float32)
  seen = np.zeros((5, 1, 3), bool)
  cells[1, 0, 0], cells[3, 0, 0] = (2, 10), (6, 20)
  cells[2, 0, 1] = (0, 0)
  seen[[1, 3], 0, 0] = seen[2, 0, 1] = True

  found = np.asarray(fill(cells, seen))[:, 0]

  # Held, seen, between, seen, held; then a joint of one frame; then the mean of both.
  np.testing.assert_array_equal(
    found[:, 0], [[2, 10], [2, 10], [4, 15], [6, 20], [6, 20]]
  )
  np.testing.assert_array_equal(found[:, 1], np.zeros((5, 2)))
  np.testing.assert_array_equal(found[:, 2], found[:, 0] / 2)


def test_as_numpy_interpolates_joint_by_joint():
  rng = np.random.default_rng(0)
  cells = rng.uniform(-20, 90, (11, 4, 6, 2)).astype(np.float32)
  seen = rng.random((11, 4, 6)) < 0.4
  seen[:, 1, 2:4] = False  # Joints that are never seen.
  seen[3:6, 2] = False  # Frames with nobody.
  seen[:, 3] = False  # A person who is never there.
  cells[~seen] = np.nan

  found = fill(cells, seen)

  assert found.dtype == jnp.float32
  expected = filled_one_by_one(np.nan_to_num(cells).astype(np.float64), seen)
  np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
  np.testing.assert_array_equal(np.asarray(found)[seen], cells[seen])
  np.testing.assert_array_equal(found[:, 3], np.zeros((11, 6, 2)))
