"""Normalisation by clip and by frame, against sums over the joints that are seen."""

import jax
import numpy as np

from input_pipeline.maps.canvas import MapSettings
from input_pipeline.trajectories.normalization import (
  clip_scale,
  normalize_by_clip,
  normalize_by_frame,
)


def scale_one_by_one(cells, seen):
  squares = []
  for frame in range(cells.shape[0]):
    for person in range(cells.shape[1]):
      joints = cells[frame, person, seen[frame, person]]
      squares += [((joint - joints.mean(axis=0)) ** 2).sum() for joint in joints]
  return np.sqrt(np.mean(squares)) if squares else 1


def test_scale_by_hand():
  # Two joints at 3 cells from their middle, in one frame of two; the other has one joint.
  cells = np.array([[[[1, 0], [7, 0]]], [[[50, 50], [9, 9]]]], np.float32)
  seen = np.array([[[True, True]], [[True, False]]])
  np.testing.assert_allclose(jax.jit(clip_scale)(cells, seen), np.sqrt(2 * 9 / 3))


def test_scale_and_mean_are_of_the_joints_that_are_seen():
  rng = np.random.default_rng(0)
  cells = rng.uniform(-20, 90, (5, 2, 6, 2)).astype(np.float32)
  seen = rng.random((5, 2, 6)) < 0.5
  scale = jax.jit(clip_scale)(cells, seen)
  np.testing.assert_allclose(scale, scale_one_by_one(cells, seen), rtol=1e-5)

  filled = rng.uniform(0, 50, cells.shape).astype(np.float32)
  found = jax.jit(normalize_by_clip)(filled, cells, seen, scale)
  expected = (filled - cells[seen].mean(axis=0)) / float(scale)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_clip_without_extent_keeps_its_cells():
  cells = np.full((3, 1, 2, 2), 7, np.float32)
  one = np.array([[[True, False]]] * 3)
  for seen in (one, np.zeros_like(one)):
    assert float(clip_scale(cells, seen)) == 1


def test_by_frame():
  settings = MapSettings(size=(5, 9), short_side=4, sigma=1.0)
  cells = np.array([[4, 2], [0, 0], [8, 4]], np.float32).reshape(1, 1, 3, 2)
  found = jax.jit(normalize_by_frame, static_argnums=1)(cells, settings)
  np.testing.assert_array_equal(found[0, 0], [[0, 0], [-1, -0.5], [1, 0.5]])
