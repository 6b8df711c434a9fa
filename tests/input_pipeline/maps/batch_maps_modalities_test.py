"""Parts, features and differences: the same maps from whatever is stored."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.loading.loader import ClipSettings, evaluation_batches
from input_pipeline.maps import augment
from input_pipeline.maps import batch_maps as clip_maps
from input_pipeline.maps.augment import Augmentation, AugmentSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import STORED
from input_pipeline.skeletons.registry import get_skeleton
from input_pipeline.storage.rendered_maps import render_clip, render_clip_parts

PENN = get_skeleton('penn_action')  # Its shoulders are a limb across the body.
STILL = AugmentSettings(flip_probability=0.0)

batch_maps = jax.jit(
  clip_maps.batch_maps, static_argnames=('skeleton', 'settings', 'augmentation')
)


def settings_of(*modalities):
  return MapSettings(
    size=(16, 22), short_side=16, sigma=1.0, modalities=modalities, part_width=0.9
  )


def random_clip(frame_size=(240, 320), skeleton=PENN, seed=0) -> PoseClip:
  """Four frames of two people, some joints missing, some outside the frame."""
  rng = np.random.default_rng(seed)
  height, width = frame_size
  shape = (4, 2, skeleton.num_joints)
  scores = rng.uniform(0.2, 1, shape)
  scores[rng.random(shape) < 0.2] = 0
  reach = rng.uniform(-0.1, 1.1, (*shape, 2))
  return PoseClip('clip', reach * [width, height], scores, frame_size, skeleton)


def record_of(clip: PoseClip, representation: str) -> dict[str, Any]:
  record = {'frame_size': np.array(clip.frame_size, np.int32), 'label': 0}
  if representation == 'keypoints':
    scores = clip.scores[..., None]
    return record | {'keypoints': np.concatenate([clip.keypoints, scores], axis=-1)}
  return record | {
    'maps': render_clip(clip, short_side=16, sigma=1.0),
    'parts': render_clip_parts(clip, short_side=16, width=0.9),
  }


def batch_of(record, settings, persons=2, background=False):
  """The record through the loader, as the step is given it."""
  clip_settings = ClipSettings(
    num_frames=4,
    rule='segments',
    max_persons=persons,
    canvas=settings.size,
    background=background,
    modalities=stored_modalities(settings.modalities),
  )
  records: Any = [record]
  (batch,) = evaluation_batches(
    records, [0], clip_settings, batch_size=1, num_views=1, read_threads=0
  )
  viewed = clip_maps.VIEWED & batch.keys()
  names = {'frame_size', 'num_frames', 'features_scale'} & batch.keys()
  return {n: batch[n][:, 0] for n in viewed} | {n: batch[n] for n in names}


def both(clip, settings, key=None, augmentation=STILL):
  render = functools.partial(
    batch_maps,
    key=key,
    skeleton=clip.skeleton,
    settings=settings,
    augmentation=augmentation,
  )
  return tuple(
    render(batch_of(record_of(clip, stored), settings))
    for stored in ('keypoints', 'heatmaps')
  )


def fix_draw(monkeypatch, flip=True, shift=(0, 0)):
  draw = Augmentation(
    flip=jnp.array(flip), scale=jnp.float32(1), shift=jnp.array(shift, jnp.float32)
  )
  monkeypatch.setattr(augment, 'draw', lambda *_: draw)


FRAMES = [(240, 320), (270, 480), (200, 200), (320, 180)]
HALF_A_STEP = 0.5 / 127 + 1e-5


@pytest.mark.parametrize('frame_size', FRAMES, ids=str)
def test_parts_are_the_same_from_keypoints_and_from_stored_maps(frame_size):
  rendered, stored = both(random_clip(frame_size), settings_of('parts'))
  assert rendered.shape == (1, 4, 16, 22, 2 * len(PENN.limbs))
  assert rendered.dtype == stored.dtype == jnp.float32
  np.testing.assert_allclose(rendered, stored, atol=HALF_A_STEP)
  assert np.abs(stored).max() > 0.5


@pytest.mark.parametrize('skeleton', ['penn_action', 'jhmdb', 'openpose_18', 'coco_17'])
def test_nor_do_they_differ_when_they_are_flipped(skeleton, monkeypatch):
  fix_draw(monkeypatch)
  flip = AugmentSettings(flip_probability=0.53)  # Ours alone: the draw is compiled in.
  clip = random_clip(skeleton=get_skeleton(skeleton))
  settings = settings_of('parts')
  rendered, stored = both(clip, settings, jax.random.key(0), flip)
  np.testing.assert_allclose(rendered, stored, atol=HALF_A_STEP)
  assert not np.allclose(stored, both(clip, settings)[1], atol=0.1)


def test_nor_when_they_are_moved_by_whole_cells(monkeypatch):
  fix_draw(monkeypatch, shift=(2, -3))
  moves = AugmentSettings(flip_probability=0.54, shift=0.5)
  clip = random_clip()
  settings = settings_of('parts')
  rendered, stored = both(clip, settings, jax.random.key(0), moves)
  np.testing.assert_allclose(rendered, stored, atol=2 * HALF_A_STEP)
  assert not np.allclose(stored, both(clip, settings)[1], atol=0.1)


def test_a_mirrored_limb_points_the_other_way():
  """By hand: a right forearm that points to the right, and shoulders, mirrored."""
  joints = {name: PENN.joints.index(name) for name in PENN.joints}
  keypoints = np.zeros((4, 1, 13, 2))
  scores = np.zeros((4, 1, 13))
  for name, x in (('right_elbow', 40), ('right_wrist', 120)):
    keypoints[:, 0, joints[name]], scores[:, 0, joints[name]] = (x, 120), 1
  clip = PoseClip('clip', keypoints, scores, (240, 320), PENN)
  limb = PENN.limbs.index(('right_elbow', 'right_wrist'))
  partner = PENN.limbs.index(('left_elbow', 'left_wrist'))
  record = record_of(clip, 'heatmaps')
  flip = AugmentSettings(flip_probability=1.0)
  maps = batch_maps(
    batch_of(record, settings_of('parts')),
    jax.random.key(0),
    skeleton=PENN,
    settings=settings_of('parts'),
    augmentation=flip,
  )
  seen = np.asarray(maps[0, 0])
  assert set(np.flatnonzero(np.abs(seen).max(axis=(0, 1)))) == {2 * partner}
  assert seen[..., 2 * partner].min() == -1
  assert (record['parts'][..., 2 * limb] == 255).any()


def test_differences_are_of_consecutive_frames():
  clip = random_clip()
  both_settings = settings_of('joints', 'parts_diff', 'joints_diff', 'parts')
  for maps in both(clip, both_settings):
    assert set(maps) == {'joints', 'parts_diff', 'joints_diff', 'parts'}
    for name in ('joints', 'parts'):
      frames = np.asarray(maps[name])
      expected = np.stack([frames[:, t] - frames[:, t - 1] for t in (1, 2, 3)], axis=1)
      np.testing.assert_allclose(maps[f'{name}_diff'], expected, atol=1e-6)
      assert np.abs(expected).max() > 0.3


def test_several_modalities_move_together():
  """A shift and a flip of one draw: parts stay where the joints are."""
  clip = random_clip()
  row = AugmentSettings(scale=(0.9, 1.1), shift=0.2)
  together = settings_of('joints', 'parts')
  for index in (0, 1):
    maps = both(clip, together, jax.random.key(5), row)[index]
    alone = both(clip, settings_of('parts'), jax.random.key(5), row)[index]
    np.testing.assert_allclose(maps['parts'], alone, atol=1e-6)


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
  maps = batch_maps(
    batch_of(record, settings),
    None,
    skeleton=PENN,
    settings=settings,
    augmentation=STILL,
  )
  # 6 frames in 4 segments: the middle of each; 21 of 22 columns.
  expected = record['features'][[0, 2, 3, 5]].astype(float) / 255 * 4
  np.testing.assert_allclose(maps[0, :, :, :21], expected, rtol=1e-5)
  assert not maps[0, :, :, 21].any()


def test_features_are_mirrored_and_keep_their_channels(monkeypatch):
  fix_draw(monkeypatch)
  settings = settings_of('features_diff')
  batch = batch_of(features_record(), settings)
  options = {'skeleton': PENN, 'settings': settings}
  still = batch_maps(batch, None, augmentation=STILL, **options)
  flip = AugmentSettings(flip_probability=0.55)
  flipped = batch_maps(batch, jax.random.key(0), augmentation=flip, **options)
  np.testing.assert_allclose(flipped, still[:, :, :, ::-1], atol=1e-6)
  assert still.shape[1] == 3


def test_keypoints_have_no_features():
  settings = settings_of('features')
  batch = batch_of(record_of(random_clip(), 'keypoints'), settings)
  with pytest.raises(ValueError, match='features cannot be rendered from keypoints'):
    batch_maps(batch, None, skeleton=PENN, settings=settings, augmentation=STILL)


def test_stored_modalities_have_their_names():
  assert set(STORED.values()) < clip_maps.VIEWED


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'modalities': ('limbs',)}, "data.modalities is \\('limbs',\\)"),
    ({'part_width': 0.0}, r'data\.part_width is 0\.0; it is above 0'),
  ],
)
def test_settings_that_make_no_sense(fields, message):
  with pytest.raises(ValueError, match=message):
    dataclasses.replace(settings_of('joints'), **fields)


def test_potion_maps_are_of_joints():
  with pytest.raises(
    ValueError, match='PoTion maps of whole videos are of joints alone'
  ):
    dataclasses.replace(settings_of('parts'), potion=PotionSettings())
