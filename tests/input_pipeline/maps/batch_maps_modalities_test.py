"""Parts, features and differences: the same maps from all representations."""

import dataclasses

import jax
import numpy as np
import pytest

from input_pipeline import model_input
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import STORED
from input_pipeline.skeletons.registry import get_skeleton
from tests.input_pipeline.maps.clip_batches import (
  PENN,
  SETTINGS,
  STILL,
  batch_input,
  batch_of,
  batch_of_record,
  draw_of,
  drawn_maps,
  maps_of,
  random_clip,
  record_of,
  rendered_and_stored,
)


def settings_of(*modalities):
  return dataclasses.replace(SETTINGS, modalities=modalities)


# Same as the canvas except for one column; padded at the sides, cut above and below.
FRAMES = [(240, 320), (320, 180)]
HALF_A_STEP = 0.5 / 127 + 1e-5


@pytest.mark.parametrize('frame_size', FRAMES, ids=str)
def test_parts_are_the_same_from_keypoints_and_from_stored_maps(frame_size):
  rendered, stored = rendered_and_stored(random_clip(frame_size), settings_of('parts'))
  assert rendered.shape == (1, 3, 16, 22, 2 * len(PENN.limbs))
  assert rendered.dtype == stored.dtype == np.float32
  np.testing.assert_allclose(rendered, stored, atol=HALF_A_STEP)
  assert np.abs(stored).max() > 0.5


@pytest.mark.parametrize('skeleton', ['penn_action', 'jhmdb', 'openpose_18', 'coco_17'])
def test_nor_do_they_differ_when_they_are_flipped(skeleton):
  clip = random_clip(skeleton=get_skeleton(skeleton))
  settings = settings_of('parts')
  rendered, stored = rendered_and_stored(clip, settings, draw=draw_of(flip=True))
  np.testing.assert_allclose(rendered, stored, atol=HALF_A_STEP)
  still = maps_of(clip, 'heatmaps', settings, draw=draw_of())
  assert not np.allclose(stored, still, atol=0.1)


def test_nor_when_they_are_moved_by_whole_cells():
  clip = random_clip()
  settings = settings_of('parts')
  moves = AugmentSettings(shift=0.5)
  draw = draw_of(flip=True, shift=(2, -3))
  rendered, stored = rendered_and_stored(clip, settings, draw=draw, augmentation=moves)
  np.testing.assert_allclose(rendered, stored, atol=2 * HALF_A_STEP)
  still = maps_of(clip, 'heatmaps', settings, draw=draw_of(), augmentation=moves)
  assert not np.allclose(stored, still, atol=0.1)


def test_a_mirrored_limb_points_the_other_way():
  """By hand: a right forearm that points right becomes a left one that points left."""
  joints = {name: PENN.joints.index(name) for name in PENN.joints}
  keypoints = np.zeros((3, 2, 13, 2))
  scores = np.zeros((3, 2, 13))
  for name, x in (('right_elbow', 40), ('right_wrist', 120)):
    keypoints[:, 0, joints[name]], scores[:, 0, joints[name]] = (x, 120), 1
  clip = PoseClip('clip', keypoints, scores, (240, 320), PENN)
  limb = PENN.limbs.index(('right_elbow', 'right_wrist'))
  partner = PENN.limbs.index(('left_elbow', 'left_wrist'))
  settings = settings_of('parts')
  maps = maps_of(clip, 'heatmaps', settings, draw=draw_of(flip=True))
  seen = maps[0, 0]
  assert set(np.flatnonzero(np.abs(seen).max(axis=(0, 1)))) == {2 * partner}
  assert seen[..., 2 * partner].min() == -1
  assert (record_of(clip, 'heatmaps', settings)['parts'][..., 2 * limb] == 255).any()


def test_differences_are_of_consecutive_frames():
  settings = settings_of('joints', 'parts_diff', 'joints_diff', 'parts')
  for maps in rendered_and_stored(random_clip(), settings):
    assert set(maps) == {'joints', 'parts_diff', 'joints_diff', 'parts'}
    for name in ('joints', 'parts'):
      frames = np.asarray(maps[name])
      expected = np.stack([frames[:, t] - frames[:, t - 1] for t in (1, 2)], axis=1)
      np.testing.assert_allclose(maps[f'{name}_diff'], expected, atol=1e-6)
      assert np.abs(expected).max() > 0.3


@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps'])
def test_several_modalities_move_together(representation):
  """One draw holds for all modalities, so parts stay aligned with joints."""

  def moved(*modalities):
    settings = settings_of(*modalities)
    return batch_input(
      batch_of(random_clip(), representation, settings),
      jax.random.key(5),
      skeleton=PENN,
      settings=settings,
      augmentation=AugmentSettings(scale=(0.9, 1.1), shift=0.2),
    )

  np.testing.assert_allclose(
    moved('joints', 'parts')['parts'], moved('parts'), atol=1e-6
  )


def features_record(seed=0):
  rng = np.random.default_rng(seed)
  return {
    'frame_size': np.array((240, 320), np.int32),
    'label': 0,
    'features': rng.integers(0, 255, (6, 16, 21, 5), dtype=np.uint8),
    'features_scale': np.float32(4.0),
  }


def test_features_come_back_at_their_scale():
  record, settings = features_record(), settings_of('features')
  maps = batch_input(
    batch_of_record(record, settings, num_frames=4),
    None,
    skeleton=PENN,
    settings=settings,
    augmentation=STILL,
  )
  # The middles of 4 segments in 6 frames; the map has 21 of the 22 columns.
  expected = record['features'][[0, 2, 3, 5]].astype(float) / 255 * 4
  np.testing.assert_allclose(maps[0, :, :, :21], expected, rtol=1e-5)
  assert not maps[0, :, :, 21].any()


def test_features_are_mirrored_and_keep_their_channels():
  settings = settings_of('features_diff')
  batch = batch_of_record(features_record(), settings, num_frames=4)
  options = {'skeleton': PENN, 'settings': settings, 'augmentation': STILL}
  still = batch_input(batch, None, **options)
  flipped = drawn_maps(batch, draw_of(flip=True), **options)
  np.testing.assert_allclose(flipped, still[:, :, :, ::-1], atol=1e-6)
  assert still.shape[1] == 3


def test_keypoints_have_no_features():
  settings = settings_of('features')
  batch = batch_of(random_clip(), 'keypoints', settings)
  with pytest.raises(ValueError, match='features cannot be rendered from keypoints'):
    batch_input(batch, None, skeleton=PENN, settings=settings, augmentation=STILL)


def test_stored_modalities_have_their_names():
  assert set(STORED.values()) < model_input.VIEWED
