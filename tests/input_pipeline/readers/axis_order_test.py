"""Frames that were read as people are noticed; crowds and short clips are not."""

import numpy as np
import pytest

from input_pipeline.readers.axis_order import frames_read_as_people


def walkers(num_people: int, num_frames: int) -> np.ndarray:
  """`[t, m, j, 3]`: people 100 pixels apart, 60 high, 3 pixels to the right per frame."""
  t, m, j = np.meshgrid(range(num_frames), range(num_people), range(4), indexing='ij')
  x = 100 * m + 3 * t + 20 * (j % 2)
  return np.stack([x, 50 + 20 * j, np.full(x.shape, 0.8)], axis=-1)


@pytest.mark.parametrize('num_people', [1, 2])
def test_person_first(num_people):
  people = walkers(num_people, 40)
  assert frames_read_as_people(people.swapaxes(0, 1))
  assert not frames_read_as_people(people)


@pytest.mark.parametrize('num_frames', [1, 3])
def test_a_crowd(num_frames):
  assert not frames_read_as_people(walkers(9, num_frames))


def test_people_who_are_missing():
  people = walkers(9, 1)
  people[:, 1:, :, 2] = 0
  assert not frames_read_as_people(people)
  assert not frames_read_as_people(np.full_like(people, np.nan))


def test_a_crowd_in_one_place_is_frames_of_clips():
  # 20 clips of 9 frames each.
  poses = np.zeros((20, 9, 4, 3), np.float32)
  poses[..., :2] = [[0, 0], [0, 40], [20, 0], [20, 40]]
  poses[..., 0] += 3 * np.arange(9)[:, None]
  poses[..., 2] = 1
  assert frames_read_as_people(poses)
  assert not frames_read_as_people(poses[:, :7])
