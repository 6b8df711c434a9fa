"""Trajectories of whole batches, against their steps in numpy."""

import functools
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, signal

from input_pipeline import model_input
from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.time import TimeMotion
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.skeletons.registry import get_skeleton
from input_pipeline.trajectories.from_keypoints import TrajectorySettings

SKELETON = get_skeleton('penn_action')
SETTINGS = MapSettings(size=(16, 20), short_side=16, sigma=1.0)
FRAME = (240, 320)
READ = 10  # Frames of a row; those after `num_frames` are padding.
STILL = AugmentSettings(flip_probability=0.0)

batch_input = jax.jit(
  model_input.batch_input,
  static_argnames=('skeleton', 'settings', 'augmentation', 'trajectories', 'mirrored'),
)


def make_batch(num_frames=(10, 7)):
  """Two people with gaps, and one that only fills the row."""
  rng = np.random.default_rng(0)
  shape = (len(num_frames), READ, 3, SKELETON.num_joints)
  keypoints = rng.uniform(-20, 340, (*shape, 3)).astype(np.float32)
  keypoints[..., 2] = rng.uniform(0.2, 1, shape)
  keypoints[..., 2][rng.random(shape) < 0.3] = 0
  keypoints[:, :, 0, 4, 2] = 0
  keypoints[:, 3:5, 1, :, 2] = 0
  keypoints[:, :, 2] = 0
  for row, count in enumerate(num_frames):
    keypoints[row, count:] = keypoints[row, count - 1]
  return {
    'keypoints': keypoints,
    'frame_size': np.tile(np.array(FRAME, np.int32), (len(num_frames), 1)),
    'num_frames': np.array(num_frames, np.int32),
  }


def read(batch, trajectories, key=None, augmentation=STILL, **options):
  return np.asarray(
    batch_input(
      batch,
      key,
      skeleton=options.pop('skeleton', SKELETON),
      settings=options.pop('settings', SETTINGS),
      augmentation=augmentation,
      trajectories=trajectories,
      **options,
    )
  )


@functools.partial(jax.jit, static_argnames='trajectories')
def _moved_by(draw, batch, trajectories):
  with mock.patch.object(augment, 'draw', lambda *_: draw):
    return model_input.batch_input(
      batch,
      jax.random.key(0),
      skeleton=SKELETON,
      settings=SETTINGS,
      augmentation=STILL,
      trajectories=trajectories,
    )


def drawn(batch, trajectories, **fields):
  """Trajectories where every view uses one draw with the given fields."""
  draw = augment.mirror().replace(flip=jnp.array(False), **fields)
  return np.asarray(_moved_by(draw, batch, trajectories))


def in_numpy(batch, row, trajectories):
  """The whole way, step by step: cells, gaps, normalisation, filter, resampling."""
  count = batch['num_frames'][row]
  keypoints = batch['keypoints'][row, :count].astype(np.float64)
  scores = keypoints[..., 2]
  # 16 cells on the short side of 240 pixels; 21 columns, centred on a canvas of 20.
  cells = (keypoints[..., :2] + 0.5) * [21 / 320, 16 / 240] - 0.5 - [1, 0]
  seen = scores > 0
  filled = np.zeros_like(cells)
  frames = np.arange(count)
  for person, joint, axis in np.ndindex(*cells.shape[1:]):
    there = np.flatnonzero(seen[:, person, joint])
    if len(there):
      values = cells[there, person, joint, axis]
      filled[:, person, joint, axis] = np.interp(frames, there, values)
  for person, joint in np.ndindex(*cells.shape[1:3]):
    ever = seen[:, person].any(axis=0)
    if ever.any() and not ever[joint]:
      filled[:, person, joint] = filled[:, person, ever].mean(axis=1)
  if trajectories.normalization == 'clip':
    middles = [
      cells[f, p] - cells[f, p, seen[f, p]].mean(axis=0)
      for f, p in np.ndindex(*cells.shape[:2])
      if seen[f, p].any()
    ]
    there = [seen[f, p] for f, p in np.ndindex(*cells.shape[:2]) if seen[f, p].any()]
    squares = np.concatenate([m[s] for m, s in zip(middles, there, strict=True)])
    scale = np.sqrt((squares**2).sum(axis=1).mean())
    positions = (filled - cells[seen].mean(axis=0)) / scale
  else:
    positions = (filled - [9.5, 7.5]) / 16
  moments = trajectories.num_frames
  result = np.zeros((3, moments, SKELETON.num_joints, 3))
  places = np.linspace(0, count - 1, moments)
  for person, joint in np.ndindex(*cells.shape[1:3]):
    if not seen[:, person].any():
      continue
    for axis in range(2):
      line = positions[:, person, joint, axis]
      if trajectories.median_filter:
        line = signal.medfilt(line, 3)
      if trajectories.resampling == 'cubic':
        line = ndimage.zoom(line, moments / count, order=3)[:moments]
      else:
        line = np.interp(places, frames, line)
      result[person, :, joint, axis] = line
    near = np.round(places).astype(int)
    on_frame = np.abs(places - near) < 1e-6
    low = np.where(on_frame, near, np.floor(places).astype(int))
    high = np.where(on_frame, near, low + 1)
    there = seen[low, person, joint] & seen[high, person, joint]
    result[person, :, joint, 2] = there * np.interp(
      places, frames, scores[:, person, joint]
    )
  return result


@pytest.mark.parametrize('normalization', ['clip', 'frame'])
@pytest.mark.parametrize('resampling', ['linear', 'cubic'])
@pytest.mark.parametrize(('num_frames', 'median'), [(10, True), (6, False), (16, True)])
def test_the_whole_way(normalization, resampling, num_frames, median):
  trajectories = TrajectorySettings(num_frames, normalization, resampling, median)
  batch = make_batch()
  found = read(batch, trajectories)
  assert found.shape == (2, 3, num_frames, SKELETON.num_joints, 3)
  assert found.dtype == np.float32
  for row in range(2):
    expected = in_numpy(batch, row, trajectories)
    np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=2e-5)
  np.testing.assert_array_equal(found[:, 2], 0)  # Nobody: no position, no score.


def test_padding_is_not_read():
  batch, trajectories = make_batch(), TrajectorySettings(6, median_filter=True)
  other = batch | {'keypoints': batch['keypoints'].copy()}
  other['keypoints'][1, 7:] = 500
  np.testing.assert_array_equal(read(batch, trajectories), read(other, trajectories))


@pytest.mark.parametrize('normalization', ['clip', 'frame'])
def test_the_mirror_image(normalization):
  batch, trajectories = make_batch(), TrajectorySettings(6, normalization)
  plain = read(batch, trajectories)
  expected = plain[..., list(SKELETON.flip_permutation), :] * [-1, 1, 1]
  found = read(batch, trajectories, mirrored=True)
  np.testing.assert_allclose(found, expected, atol=2e-5)
  always = AugmentSettings(flip_probability=1.0)
  found = read(batch, trajectories, jax.random.key(0), always)
  np.testing.assert_allclose(found, expected, atol=2e-5)


def test_a_drawn_scale_is_not_undone():
  batch, trajectories = make_batch(), TrajectorySettings(6)
  found = drawn(batch, trajectories, scale=jnp.float32(1.5))
  expected = read(batch, trajectories) * np.array([1.5, 1.5, 1], np.float32)
  np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_drawn_shift_moves_only_what_is_measured_from_the_frame():
  batch, shift = make_batch(), jnp.array([4.0, 8.0], jnp.float32)
  clip, frame = TrajectorySettings(6), TrajectorySettings(6, 'frame')
  np.testing.assert_allclose(
    drawn(batch, clip, shift=shift), read(batch, clip), atol=1e-5
  )
  moved = drawn(batch, frame, shift=shift) - read(batch, frame)
  np.testing.assert_allclose(moved[:, :2, ..., 0], 0.25, atol=1e-5)
  np.testing.assert_allclose(moved[:, :2, ..., 1], 0.5, atol=1e-5)


def test_a_part_of_the_clip_is_read_and_the_gaps_are_filled_from_all_of_it():
  batch, trajectories = make_batch((9, 9)), TrajectorySettings(5)
  half = TimeMotion(jnp.float32(1), jnp.float32(0.5), jnp.float32(1))
  found = drawn(batch, trajectories, time=half)
  every_frame = read(batch, TrajectorySettings(9))
  np.testing.assert_allclose(found, every_frame[:, :, 4:], atol=1e-5)


def test_a_spline_refuses_augmentation_of_time():
  time = TimeMotion(jnp.float32(0), jnp.float32(0.5), jnp.float32(1))
  cubic = TrajectorySettings(5, resampling='cubic')
  with pytest.raises(ValueError, match=r"moments are fixed, .*resample with 'linear'"):
    drawn(make_batch(), cubic, time=time)


def test_views_are_drawn_separately_and_are_neighbours():
  augmentation = AugmentSettings(0.5, scale=(0.5, 2.0), views=2)
  batch, trajectories = make_batch(), TrajectorySettings(6)
  found = read(batch, trajectories, jax.random.key(1), augmentation)
  assert found.shape == (4, 3, 6, SKELETON.num_joints, 3)
  sizes = np.abs(found[..., :2]).max(axis=(1, 2, 3, 4))
  assert len(set(np.round(sizes, 4))) == 4
  np.testing.assert_allclose(  # Both of a clip, whatever its drawn size and side.
    np.sort(found[0, ..., 2].ravel()), np.sort(found[1, ..., 2].ravel())
  )


def test_a_person_crop_makes_the_place_in_the_frame_irrelevant():
  settings = MapSettings(size=(16, 20), short_side=16, sigma=1.0, crop='person')
  batch, trajectories = make_batch(), TrajectorySettings(6, 'frame')
  moved = batch | {'keypoints': batch['keypoints'] * np.float32([0.5, 0.5, 1])}
  moved['keypoints'][..., :2] += 70
  found = read(moved, trajectories, settings=settings)
  np.testing.assert_allclose(
    found, read(batch, trajectories, settings=settings), atol=1e-5
  )


def test_stored_maps_are_refused():
  batch = {
    'maps': np.zeros((1, 4, 16, 20, 13), np.uint8),
    'frame_size': np.ones((1, 2)),
  }
  with pytest.raises(ValueError, match=r"holds .*'maps'.*representation='keypoints'"):
    read(batch, TrajectorySettings(6))


@pytest.mark.parametrize(
  ('field', 'value'),
  [('normalization', 'person'), ('resampling', 'spline'), ('median_filter', 'yes')],
)
def test_unknown_values_are_refused(field, value):
  message = rf"config\.data\.trajectories\.{field} is '{value}'; it is one of \("
  with pytest.raises(ValueError, match=message):
    TrajectorySettings(6, **{field: value})
