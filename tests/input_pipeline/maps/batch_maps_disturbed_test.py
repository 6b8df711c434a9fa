"""Noisy and missing joints and frames: the same maps from keypoints and stored maps."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.joint_masking import JointMaskingSettings
from input_pipeline.augmentation.joint_noise import JointNoise, displacements
from input_pipeline.augmentation.pose_aware import PoseAwareSettings
from input_pipeline.augmentation.time import TimeMask, TimeMotion, TimeSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.potion import PotionSettings
from tests.input_pipeline.maps.clip_batches import (
  BACKGROUND,
  PENN,
  batch_input,
  batch_of,
  centre_of_mass,
  draw_of,
  inner_clip,
  joint_motion,
  maps_of,
  rendered_and_stored,
)

FRAMES = MapSettings((32, 44), short_side=32, sigma=1.5)
POTION = dataclasses.replace(FRAMES, potion=PotionSettings())
ROUNDING = 0.5 / 255 + 1e-6
NOISE = JointNoise(key=jax.random.key(4), deviation=jnp.array([0.8, 0.6]))


def time_motion(start=0.3, share=0.6, tempo=1.5, mask=None):
  if mask is not None:
    mask = TimeMask(start=jnp.float32(mask[0]), share=jnp.float32(mask[1]))
  values = (jnp.float32(value) for value in (start, share, tempo))
  return TimeMotion(*values, mask=mask)


@pytest.mark.parametrize('flip', [False, True])
def test_each_joint_is_displaced_in_each_frame(flip):
  clip = inner_clip(BACKGROUND)
  draw = draw_of(flip=flip).replace(noise=NOISE)
  rendered, stored = rendered_and_stored(clip, FRAMES, draw=draw)
  # Linear interpolation lowers a peak of σ = 1.5 cells by up to a tenth.
  np.testing.assert_allclose(stored, rendered, atol=0.12)
  still = maps_of(clip, 'keypoints', FRAMES, draw=draw_of())
  shifts = np.asarray(displacements(NOISE, 5, 18))
  for frame, joint in np.argwhere(clip.scores[:, 0] > 0):
    before = centre_of_mass(still[0, frame, ..., joint])
    expected = np.array(before) + shifts[frame, joint]
    channel = joint
    if flip:
      expected[0] = 43 - expected[0]
      channel = BACKGROUND.flip_permutation[joint]
    for maps in (rendered, stored):
      centre = centre_of_mass(maps[0, frame, ..., channel])
      np.testing.assert_allclose(centre, expected, atol=0.04)


def test_people_share_their_displacements():
  clip = inner_clip()
  both = dataclasses.replace(
    clip,
    keypoints=clip.keypoints.repeat(2, axis=1),
    scores=clip.scores.repeat(2, axis=1),
  )
  draw = draw_of().replace(noise=NOISE)
  np.testing.assert_allclose(
    maps_of(both, 'keypoints', FRAMES, draw=draw),
    maps_of(clip, 'keypoints', FRAMES, draw=draw),
    atol=1e-6,
  )


def test_noise_comes_before_the_sum_over_frames():
  clip = inner_clip()
  draw = draw_of(
    joint_motion=joint_motion(np.zeros((13, 2)), whole=(2, -1)), flip=True
  ).replace(noise=NOISE)
  options = {
    'draw': draw,
    'augmentation': AugmentSettings(
      pose_aware=PoseAwareSettings(global_shift=3.0), joint_noise=0.02
    ),
    'num_frames': 8,
  }
  rendered, stored = rendered_and_stored(clip, POTION, **options)
  np.testing.assert_allclose(stored, rendered, atol=0.1)
  without = {**options, 'draw': draw.replace(noise=None)}
  assert abs(maps_of(clip, 'keypoints', POTION, **without) - rendered).max() > 0.2


HIDDEN = np.isin(np.arange(18), [0, 4, 9])


@pytest.mark.parametrize('flip', [False, True])
def test_masked_joints_are_empty_and_the_background_fills_them(flip):
  clip = inner_clip(BACKGROUND)
  draw = draw_of(flip=flip).replace(hidden_joints=jnp.array(HIDDEN))
  rendered, stored = rendered_and_stored(clip, FRAMES, draw=draw)
  np.testing.assert_allclose(stored, rendered, atol=2 * ROUNDING)
  # By hand: the clip without these joints.
  scores = np.where(HIDDEN, 0, clip.scores)
  without = dataclasses.replace(clip, scores=scores)
  expected = maps_of(without, 'keypoints', FRAMES, draw=draw_of(flip=flip))
  np.testing.assert_allclose(rendered, expected, atol=1e-6)
  whole = maps_of(clip, 'keypoints', FRAMES, draw=draw_of(flip=flip))
  assert (expected[..., 18] - whole[..., 18]).max() > 0.5


def test_masked_joints_take_their_limbs_along():
  settings = dataclasses.replace(FRAMES, modalities=('joints', 'parts', 'parts_diff'))
  clip = inner_clip()
  elbow = np.arange(13) == PENN.joints.index('left_elbow')
  draw = draw_of().replace(hidden_joints=jnp.array(elbow))
  rendered, stored = rendered_and_stored(clip, settings, draw=draw)
  np.testing.assert_allclose(stored['joints'], rendered['joints'], atol=ROUNDING)
  np.testing.assert_allclose(stored['parts'], rendered['parts'], atol=0.005)
  whole = maps_of(clip, 'keypoints', settings, draw=draw_of())
  for limb, (a, b) in enumerate(PENN.limbs):
    field = rendered['parts'][..., 2 * limb : 2 * limb + 2]
    if 'left_elbow' in (a, b):
      assert not field.any()
    else:
      kept = whole['parts'][..., 2 * limb : 2 * limb + 2]
      np.testing.assert_array_equal(field, kept)


@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps', 'potion'])
def test_masked_joints_are_empty_in_potion_maps(representation):
  clip = inner_clip(BACKGROUND)
  draw = draw_of().replace(hidden_joints=jnp.array(HIDDEN))
  whole = maps_of(clip, representation, POTION, draw=draw_of(), num_frames=8)
  maps = maps_of(clip, representation, POTION, draw=draw, num_frames=8)
  assert not maps[0, :18][HIDDEN].any()
  np.testing.assert_allclose(maps[0, :18][~HIDDEN], whole[0, :18][~HIDDEN], atol=1e-6)
  # A mean's background cannot be taken apart.
  same = np.allclose(maps[0, 18], whole[0, 18], atol=1e-6)
  assert same == (representation != 'keypoints')


def taken_by_hand(num_frames, count, start, share, tempo):
  length = share * (num_frames - 1)
  first = start * (num_frames - 1 - length)
  moments = np.linspace(0, 1, count) ** tempo
  return np.round(first + moments * length).astype(int)


@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps'])
def test_the_device_takes_the_frames_of_a_drawn_part(representation):
  """12 of at most 16 frames are there, and T is 4."""
  clip = inner_clip(BACKGROUND, frames=12)
  settings = dataclasses.replace(FRAMES, num_frames=4)
  draw = draw_of().replace(time=time_motion())
  maps = maps_of(clip, representation, settings, draw=draw, num_frames=16)
  all_frames = maps_of(clip, representation, FRAMES, draw=draw_of())
  taken = taken_by_hand(12, 4, 0.3, 0.6, 1.5)
  assert taken.tolist() == [1, 3, 5, 8]
  np.testing.assert_allclose(maps[0], all_frames[0, taken], atol=1e-6)
  # Without augmentation the frames are evenly spread.
  evaluated = maps_of(clip, representation, settings, num_frames=16)
  np.testing.assert_allclose(evaluated[0], all_frames[0, [0, 4, 7, 11]], atol=1e-6)


@pytest.mark.parametrize('potion', [None, PotionSettings(normalization='none')])
def test_without_a_motion_the_device_takes_what_the_host_takes(potion):
  base = dataclasses.replace(FRAMES, potion=potion)
  on_device = dataclasses.replace(base, num_frames=6)
  for representation in ('keypoints', 'heatmaps'):
    for frames in (4, 6, 15) if potion else (6, 15):
      clip = inner_clip(frames=frames)
      host = maps_of(clip, representation, base, num_frames=6)
      device = maps_of(clip, representation, on_device, num_frames=16)
      np.testing.assert_allclose(device, host, atol=1e-5)


def test_potion_colours_follow_the_new_order_of_frames():
  clip = inner_clip(frames=7)
  settings = dataclasses.replace(POTION, num_frames=8)
  draw = draw_of().replace(time=time_motion())
  rendered, stored = rendered_and_stored(clip, settings, draw=draw, num_frames=8)
  np.testing.assert_allclose(stored, rendered, atol=ROUNDING)
  taken = taken_by_hand(7, 7, 0.3, 0.6, 1.5)
  assert taken.tolist() == [1, 1, 1, 2, 3, 3, 4]
  bent = dataclasses.replace(
    clip, keypoints=clip.keypoints[taken], scores=clip.scores[taken]
  )
  expected = maps_of(bent, 'keypoints', POTION, num_frames=8)
  np.testing.assert_allclose(rendered, expected, atol=1e-5)


@pytest.mark.parametrize('settings', [FRAMES, POTION], ids=['frames', 'potion'])
def test_hidden_frames_are_empty(settings):
  clip = inner_clip(BACKGROUND, frames=12)
  settings = dataclasses.replace(settings, num_frames=12)
  draw = draw_of(flip=True).replace(time=time_motion(0, 1, 1, mask=(0.5, 0.3)))
  rendered, stored = rendered_and_stored(clip, settings, draw=draw, num_frames=12)
  np.testing.assert_allclose(stored, rendered, atol=2 * ROUNDING)
  # 0.5 · 0.7 = 0.35 to 0.65 of 11 frames: 3.85 to 7.15.
  scores = clip.scores.copy()
  scores[4:8] = 0
  without = dataclasses.replace(clip, scores=scores)
  expected = maps_of(
    without, 'keypoints', settings, draw=draw_of(flip=True), num_frames=12
  )
  np.testing.assert_allclose(rendered, expected, atol=1e-6)
  if settings.potion is None:
    assert not stored[0, 4:8, ..., :18].any()
    np.testing.assert_allclose(stored[0, 4:8, ..., 18], 1, atol=1e-6)


def test_hidden_frames_do_not_move_the_crop_of_people():
  clip = inner_clip(frames=6)
  settings = dataclasses.replace(FRAMES, crop='person', num_frames=6)
  masked = draw_of().replace(time=time_motion(0, 1, 1, mask=(0.0, 0.5)))
  maps = maps_of(clip, 'keypoints', settings, draw=masked, num_frames=6)
  whole = maps_of(clip, 'keypoints', settings, draw=draw_of(), num_frames=6)
  assert not maps[0, :3].any()
  np.testing.assert_allclose(maps[0, 3:], whole[0, 3:], atol=1e-5)


EVERYTHING = AugmentSettings(
  flip_probability=0.5,
  scale=(0.95, 1.05),
  rotation=10.0,
  joint_noise=0.01,
  joint_masking=JointMaskingSettings(probability=0.5, share=0.3),
  time=TimeSettings(
    crop=(0.6, 0.9), tempo=1.5, mask_share=(0.2, 0.4), mask_probability=0.7
  ),
  views=3,
)


@pytest.mark.parametrize('settings', [FRAMES, POTION], ids=['frames', 'potion'])
def test_every_augmentation_at_once_and_views_that_differ(settings):
  """Drawn, not given: rows and views draw the same for both representations."""
  settings = dataclasses.replace(settings, num_frames=6)
  clip = inner_clip(frames=12)
  views = {
    representation: np.asarray(
      batch_input(
        batch_of(clip, representation, settings, 12),
        jax.random.key(8),
        skeleton=PENN,
        settings=settings,
        augmentation=EVERYTHING,
      )
    )
    for representation in ('keypoints', 'heatmaps')
  }
  rendered, stored = views['keypoints'], views['heatmaps']
  assert rendered.shape == stored.shape
  assert len(rendered) == 3
  # Two interpolations in a row.
  np.testing.assert_allclose(stored, rendered, atol=0.25)
  assert abs(stored - rendered).mean() < 0.005
  for a, b in [(0, 1), (0, 2), (1, 2)]:
    assert abs(rendered[a] - rendered[b]).max() > 0.5


def test_evaluation_draws_nothing():
  clip = inner_clip()
  still = maps_of(clip, 'heatmaps', FRAMES)
  np.testing.assert_array_equal(
    maps_of(clip, 'heatmaps', FRAMES, augmentation=EVERYTHING), still
  )
