"""PoTion maps from all representations: the same values, views and background."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from input_pipeline import model_input
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.pose_aware import PoseAwareSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.potion import PotionSettings
from tests.input_pipeline.maps.clip_batches import (
  BACKGROUND,
  PENN,
  STILL,
  batch_input,
  batch_of,
  draw_of,
  inner_clip,
  joint_motion,
  maps_of,
)

# Large enough that no joint reaches the border, wherever it is moved.
POTION = MapSettings((32, 44), short_side=32, sigma=1.0, potion=PotionSettings())
REPRESENTATIONS = ('keypoints', 'heatmaps', 'potion')
# Rounding to 8 bits, and to float16.
PRECISION = {'keypoints': 1e-6, 'heatmaps': 0.5 / 255 + 1e-6, 'potion': 5e-4}
MOVED = AugmentSettings(
  pose_aware=PoseAwareSettings(global_shift=3.0, group_shift=3.0), views=3
)
# Every batch holds a video of at most 8 frames, padded to 8.
potion_batch = functools.partial(batch_of, num_frames=8)
potion_maps = functools.partial(maps_of, num_frames=8)

render = functools.partial(
  batch_input, key=None, skeleton=PENN, settings=POTION, augmentation=STILL
)

# Five frames at times 0, ½, 1, 1½ and 2, for the colours 0, 1 and 2.
WEIGHTS = np.array([[2, 0, 0], [1, 1, 0], [0, 2, 0], [0, 1, 1], [0, 0, 2]]) / 2


@pytest.mark.parametrize('representation', REPRESENTATIONS)
def test_the_potion_maps_of_a_video_shorter_than_t(representation):
  clip = inner_clip()
  settings = PotionSettings(normalization='none', variant='UIN')
  maps = potion_maps(clip, representation, dataclasses.replace(POTION, potion=settings))
  frames = maps_of(clip, 'keypoints', dataclasses.replace(POTION, potion=None))
  coloured = np.einsum('thwj,tc->jhwc', frames[0], WEIGHTS)
  intensity = coloured.sum(axis=-1, keepdims=True)
  expected = np.concatenate([coloured, intensity, coloured / (1 + intensity)], axis=-1)
  assert maps.shape == (1, 13, 32, 44, 7)
  assert maps.dtype == np.float32
  # A cell of I is the sum over five frames.
  np.testing.assert_allclose(maps[0], expected, atol=5 * PRECISION[representation])
  assert expected[..., 3].max() > 0.9


@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps'])
def test_frames_that_pad_a_video_leave_no_trace(representation):
  batch = potion_batch(inner_clip(), representation, POTION)
  pixels = 'keypoints' if representation == 'keypoints' else 'maps'
  assert batch['num_frames'] == 5
  other = batch | {pixels: batch[pixels].copy()}
  other[pixels][:, 5:] = 1 if representation == 'keypoints' else 200
  np.testing.assert_array_equal(render(batch), render(other))
  other[pixels][:, 4] = other[pixels][:, 5]  # A change to a real frame does.
  assert not np.allclose(render(batch), render(other), atol=0.01)


def test_nor_do_they_widen_a_person_crop():
  settings = dataclasses.replace(POTION, crop='person')
  batch = potion_batch(inner_clip(), 'keypoints', settings)
  before = render(batch, settings=settings)
  batch['keypoints'][:, 5:] = 1  # Present, and far from the people.
  np.testing.assert_array_equal(before, render(batch, settings=settings))
  assert np.asarray(before).max() > 0.1


def test_all_representations_give_the_same_views():
  def views(representation, seed=5):
    return np.asarray(
      render(
        potion_batch(inner_clip(), representation, POTION),
        key=jax.random.key(seed),
        augmentation=MOVED,
      )
    )

  rest = potion_maps(inner_clip(), 'keypoints', POTION)
  maps = {representation: views(representation) for representation in REPRESENTATIONS}
  for representation in REPRESENTATIONS:
    assert maps[representation].shape == (3, 13, 32, 44, 3)
    np.testing.assert_allclose(
      maps[representation], maps['keypoints'], atol=PRECISION[representation]
    )
  for view, other in [(0, 1), (0, 2), (1, 2)]:
    assert not np.allclose(maps['potion'][view], maps['potion'][other], atol=0.1)
  for view in maps['potion']:
    assert not np.allclose(view, rest[0], atol=0.1)
  np.testing.assert_array_equal(views('potion'), maps['potion'])
  assert not np.allclose(views('potion', seed=6), maps['potion'], atol=0.1)


def test_views_of_a_row_stand_one_after_another():
  first, second = inner_clip(), inner_clip(frames=4)
  batches = [potion_batch(clip, 'potion', POTION) for clip in (first, second)]
  batch = {n: np.concatenate([b[n] for b in batches]) for n in batches[0]}
  flips = AugmentSettings(flip_probability=0.5, views=2)
  maps = render(batch, key=jax.random.key(0), augmentation=flips)
  rest = np.concatenate([potion_maps(c, 'potion', POTION) for c in (first, second)])
  flipped = rest[:, list(PENN.flip_permutation), :, ::-1]
  flips = []
  for view, one in enumerate(np.asarray(maps)):
    row = view // 2
    matches = [np.allclose(one, of[row], atol=1e-6) for of in (rest, flipped)]
    assert sum(matches) == 1
    flips.append(matches[1])
  assert len(maps) == 4
  assert len(set(flips)) == 2


def test_a_background_is_kept_or_dropped():
  """The background moves with the whole pose, but not with groups."""
  motion = joint_motion(np.zeros((18, 2)), whole=(-3, 2))
  options = {
    'settings': POTION,
    'draw': draw_of(flip=True, joint_motion=motion),
    'augmentation': AugmentSettings(pose_aware=PoseAwareSettings(4.0)),
  }
  clip = inner_clip(BACKGROUND)
  joints = dataclasses.replace(BACKGROUND, background=False)
  rendered = potion_maps(clip, 'keypoints', **options)
  assert rendered.shape == (1, 19, 32, 44, 3)
  assert rendered[0, 18].min() < 0.8
  for representation in ('heatmaps', 'potion'):
    kept = potion_maps(clip, representation, **options)
    np.testing.assert_allclose(kept, rendered, atol=PRECISION[representation])
    dropped = potion_maps(clip, representation, skeleton=joints, **options)
    np.testing.assert_allclose(dropped, kept[:, :18], atol=1e-6)


@pytest.fixture(scope='module')
def batches():
  return {r: potion_batch(inner_clip(), r, POTION) for r in REPRESENTATIONS}


@pytest.mark.parametrize('representation', REPRESENTATIONS)
@pytest.mark.parametrize('normalization', ['area', 'max', 'none'])
@pytest.mark.parametrize(
  ('variant', 'channels'), [('U', 3), ('I', 1), ('N', 3), ('UIN', 7)]
)
def test_every_variant_has_its_channels(
  batches, representation, normalization, variant, channels
):
  potion = PotionSettings(normalization=normalization, variant=variant)
  settings = dataclasses.replace(POTION, potion=potion)
  maps = jax.eval_shape(
    functools.partial(
      model_input.batch_input,
      skeleton=PENN,
      settings=settings,
      augmentation=AugmentSettings(views=3),
    ),
    batches[representation],
    jax.random.key(0),
  )
  assert maps.shape == (3, 13, 32, 44, channels)
