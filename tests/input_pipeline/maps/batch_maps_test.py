"""All representations, stored and read as in a run, must give a model the same maps."""

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
from input_pipeline.maps.canvas import MapSettings, frame_offset
from input_pipeline.maps.pose_aware import JointMotion, PoseAwareSettings
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton, get_skeleton
from input_pipeline.storage.rendered_maps import potion_clip_maps, render_clip

SETTINGS = MapSettings(size=(16, 22), short_side=16, sigma=1.0)
STILL = AugmentSettings(flip_probability=0.0)
PENN = get_skeleton('penn_action')

batch_maps = jax.jit(
  clip_maps.batch_maps, static_argnames=('skeleton', 'settings', 'augmentation')
)


def random_clip(
  frame_size: tuple[int, int], skeleton: Skeleton = PENN, seed: int = 0
) -> PoseClip:
  """Three frames of two people, some joints missing, some outside the frame."""
  rng = np.random.default_rng(seed)
  height, width = frame_size
  shape = (3, 2, skeleton.num_joints)
  reach = rng.uniform(-0.1, 1.1, (*shape, 2))
  scores = rng.uniform(0.2, 1, shape)
  scores[rng.random(shape) < 0.2] = 0
  return PoseClip('clip', reach * [width, height], scores, frame_size, skeleton)


def batch_of(clip: PoseClip, representation: str, settings=SETTINGS, num_frames=None):
  """The clip as a data set keeps it, through the loader; whole if `num_frames`."""
  drawing = {'short_side': settings.short_side, 'sigma': settings.sigma}
  if representation == 'keypoints':
    scores = clip.scores[..., None]
    poses = {'keypoints': np.concatenate([clip.keypoints, scores], axis=-1)}
  elif representation == 'heatmaps':
    poses = {'maps': render_clip(clip, **drawing)}
  else:
    means = potion_clip_maps(
      clip, **drawing, potion=settings.potion or PotionSettings()
    )
    poses = {'potion': means.astype(np.float16), 'num_frames': clip.num_frames}
  record = {'frame_size': np.array(clip.frame_size, np.int32), 'label': 0, **poses}
  clip_settings = ClipSettings(
    num_frames=num_frames or clip.num_frames,
    rule='whole' if num_frames else 'segments',
    max_persons=clip.num_persons,
    canvas=settings.size,
    background=clip.skeleton.background,
  )
  records: Any = [record]
  (batch,) = evaluation_batches(
    records, [0], clip_settings, batch_size=1, num_views=1, read_threads=0
  )
  (pixels,) = {'keypoints', 'maps', 'potion'} & batch.keys()
  names = ('frame_size', 'num_frames')
  return {pixels: batch[pixels][:, 0]} | {name: batch[name] for name in names}


def both(clip, key=None, augmentation=STILL, settings=SETTINGS):
  render = functools.partial(
    batch_maps,
    key=key,
    skeleton=clip.skeleton,
    settings=settings,
    augmentation=augmentation,
  )
  return tuple(
    render(batch_of(clip, stored, settings)) for stored in ('keypoints', 'heatmaps')
  )


FRAMES = {
  '4:3, as the canvas but for a column': (240, 320),
  '16:9, cut on both sides': (270, 480),
  'square, padded at the sides': (200, 200),
  'portrait, padded at the sides and cut above and below': (320, 180),
}
BACKGROUND = get_skeleton('openpose_18_background')


@pytest.mark.parametrize('skeleton', [PENN, BACKGROUND], ids=['joints', 'background'])
@pytest.mark.parametrize('frame_size', FRAMES.values(), ids=FRAMES)
def test_a_model_cannot_tell_which_representation_fed_it(frame_size, skeleton):
  rendered, stored = both(random_clip(frame_size, skeleton))
  assert rendered.shape == (1, 3, 16, 22, skeleton.num_maps)
  assert rendered.dtype == stored.dtype == jnp.float32
  np.testing.assert_allclose(rendered, stored, atol=0.5 / 255 + 1e-6)  # uint8 rounding
  assert (np.asarray(stored) > 0.5).any()


def test_beside_the_frame_the_canvas_is_empty():
  # A square frame is 16 columns of the 22, from the fourth on. Joints on its left border
  # would reach out of it.
  rng = np.random.default_rng(0)
  y = rng.uniform(0, 200, (3, 2, 18))
  positions = np.stack([np.zeros_like(y), y], axis=-1)
  clip = PoseClip('clip', positions, np.ones(y.shape), (200, 200), BACKGROUND)
  for maps in both(clip):
    np.testing.assert_array_equal(maps[..., :3, :18], 0)
    np.testing.assert_array_equal(maps[..., :3, 18], 1)  # All background.
    assert (np.asarray(maps[..., 3, :18]) > 0.5).any()


def test_the_middle_of_a_wide_frame_is_in_the_middle_of_the_canvas():
  # 270 × 480 is 16 × 28 cells, of which the canvas shows 22, from the fourth column on:
  # pixel 13.5 · 480 / 28 - 0.5 is at column 13 of the map, and so at 10 of the canvas.
  pixel = (13.5 * 480 / 28 - 0.5, 8.5 * 270 / 16 - 0.5)
  positions = np.broadcast_to(np.array(pixel), (1, 1, 13, 2))
  clip = PoseClip('clip', positions, np.ones((1, 1, 13)), (270, 480), PENN)
  for maps in both(clip):
    one = np.asarray(maps)[0, 0, ..., 0]
    assert np.unravel_index(one.argmax(), one.shape) == (8, 10)
    assert one.max() == 1


@pytest.mark.parametrize(
  ('map_size', 'canvas', 'offset'),
  [(21, 22, 0), (16, 22, 3), (15, 22, 3), (28, 22, -3), (29, 22, -4), (22, 22, 0)],
)
def test_frame_offset(map_size, canvas, offset):
  assert frame_offset(map_size, canvas) == offset
  assert frame_offset(jnp.int32(map_size), jnp.int32(canvas)) == offset


def fix_draw(monkeypatch, *, flip=False, shift=(0, 0), joint_motion=None):
  """Lets every clip draw the same; takes the place of the drawing, not of its use."""
  draw = Augmentation(
    flip=jnp.array(flip),
    scale=jnp.float32(1),
    shift=jnp.array(shift, jnp.float32),
    joint_motion=joint_motion,
  )
  monkeypatch.setattr(augment, 'draw', lambda *_: draw)


def joint_motion(shifts, whole) -> JointMotion:
  """The pose as a whole, and each joint `[j, 2]` beside that, shifted (x, y)."""
  whole = jnp.array(whole, jnp.float32)
  shifts = jnp.array(shifts, jnp.float32)
  return JointMotion(
    shift=whole[None] + shifts, angle=jnp.zeros(len(shifts)), global_shift=whole
  )


@pytest.mark.parametrize('skeleton', [PENN, BACKGROUND], ids=['joints', 'background'])
@pytest.mark.parametrize('frame_size', FRAMES.values(), ids=FRAMES)
def test_nor_can_it_when_they_are_flipped(frame_size, skeleton, monkeypatch):
  fix_draw(monkeypatch, flip=True, shift=(0, 0))
  flip = AugmentSettings(flip_probability=0.51)  # Ours alone: the draw is compiled in.
  clip = random_clip(frame_size, skeleton)
  rendered, stored = both(clip, jax.random.key(0), flip)
  np.testing.assert_allclose(rendered, stored, atol=0.5 / 255 + 1e-6)
  assert not np.allclose(stored, both(clip)[1], atol=0.1)


@pytest.mark.parametrize('skeleton', [PENN, BACKGROUND], ids=['joints', 'background'])
@pytest.mark.parametrize('frame_size', [(240, 320), (200, 200)], ids=str)
def test_nor_when_they_are_moved_by_whole_cells(frame_size, skeleton, monkeypatch):
  fix_draw(monkeypatch, flip=True, shift=(2, -3))
  moves = AugmentSettings(flip_probability=0.52, shift=0.5)  # Ours alone, too.
  clip = random_clip(frame_size, skeleton)
  rendered, stored = both(clip, jax.random.key(0), moves)
  np.testing.assert_allclose(rendered, stored, atol=1 / 255)
  assert not np.allclose(stored, both(clip)[1], atol=0.1)


ROW = AugmentSettings(scale=(0.9, 1.1), shift=0.1)


@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps'])
def test_a_row_draws_for_all_its_frames_and_whatever_the_batch_size(representation):
  clip = random_clip((240, 320))
  still = PoseClip(
    'still', clip.keypoints[[0, 0, 0]], clip.scores[[0, 0, 0]], clip.frame_size, PENN
  )
  one = batch_of(still, representation)

  def augmented(rows, seed=0):
    return np.asarray(
      batch_maps(
        {name: np.repeat(array, rows, axis=0) for name, array in one.items()},
        jax.random.key(seed),
        skeleton=PENN,
        settings=SETTINGS,
        augmentation=ROW,
      )
    )

  four = augmented(4)
  np.testing.assert_array_equal(four[:, 1], four[:, 0])
  np.testing.assert_array_equal(four[:, 2], four[:, 0])
  for row in range(3):
    assert not np.allclose(four[row], four[row + 1], atol=0.01)
  np.testing.assert_allclose(augmented(2), four[:2], atol=1e-6)
  assert not np.allclose(augmented(2, seed=1), four[:2], atol=0.01)


def test_a_row_s_key_is_the_run_s_and_its_number():
  """The draws of one view, written out: a change would change every published run."""
  wrist = jnp.array([10.25, 7.5])  # (x, y) in cells of the canvas, 15 and 22 wide
  pixels = (wrist + 0.5) * jnp.array([320 / 21, 15]) - 0.5
  poses = jnp.zeros((4, 3, 2, 13, 3)).at[:, :, 0, 0].set(jnp.append(pixels, 1))
  batch = {
    'keypoints': poses,
    'frame_size': jnp.tile(jnp.array([[240, 320]], jnp.int32), (4, 1)),
    'num_frames': jnp.full(4, 3, jnp.int32),
  }
  key = jax.random.key(3)
  maps = batch_maps(batch, key, skeleton=PENN, settings=SETTINGS, augmentation=ROW)
  flips = []
  for row in range(4):
    keys = jax.random.split(jax.random.fold_in(key, row), 3)
    flips.append(bool(jax.random.bernoulli(keys[0], 0.5)))
    scale = float(jax.random.uniform(keys[1], minval=0.9, maxval=1.1))
    reach = jnp.array([2.2, 1.6])  # a tenth of 22 columns and of 16 rows
    shift = np.asarray(jax.random.uniform(keys[2], (2,), minval=-reach, maxval=reach))
    x, y = np.asarray(wrist) * (1, 1) if not flips[-1] else (21 - wrist[0], wrist[1])
    expected = np.array([10.5, 7.5]) + scale * np.array([x - 10.5, y - 7.5]) + shift
    np.testing.assert_allclose(
      centre_of_mass(np.asarray(maps[row, 0, ..., 0])), expected, atol=0.03
    )
  assert len(set(flips)) == 2


PERSON = MapSettings(size=(40, 50), short_side=16, sigma=1.0, crop='person')


def person_crop(joints, *, frames=1, persons=1, skeleton=PENN):
  """The maps `[t, h, w, c]` of joints given as (frame, person, joint): (x, y)."""
  positions = np.zeros((frames, persons, skeleton.num_joints, 2))
  scores = np.zeros(positions.shape[:-1])
  for place, position in joints.items():
    positions[place], scores[place] = position, 1
  clip = PoseClip('clip', positions, scores, (240, 320), skeleton)
  batch = batch_of(clip, 'keypoints', PERSON)
  maps = batch_maps(batch, None, skeleton=skeleton, settings=PERSON, augmentation=STILL)
  return np.asarray(maps)[0]


def centre_of_mass(one_map):
  rows, columns = np.mgrid[: one_map.shape[0], : one_map.shape[1]]
  mass = one_map / one_map.sum()
  return (mass * columns).sum(), (mass * rows).sum()


@pytest.mark.parametrize(
  ('corners', 'cells'),
  [
    # 100 × 40 pixels into 0.8 · (50 × 40) cells: 0.4 cells a pixel, by the width.
    (((10, 20), (110, 60)), ((4.5, 11.5), (44.5, 27.5))),
    # 10 × 80 pixels: 0.4 again, by the height. One corner is outside the frame.
    (((-5, 200), (5, 280)), ((22.5, 3.5), (26.5, 35.5))),
  ],
)
@pytest.mark.parametrize(
  ('first', 'second'),
  [((0, 0, 0), (0, 0, 5)), ((0, 0, 0), (1, 0, 0)), ((0, 0, 0), (0, 1, 1))],
  ids=['two joints', 'two frames', 'two people'],
)
def test_a_person_crop_fits_the_clips_box_into_the_canvas(
  corners, cells, first, second
):
  maps = person_crop({first: corners[0], second: corners[1]}, frames=2, persons=2)
  for (frame, _, joint), cell in zip((first, second), cells, strict=True):
    one_map = maps[frame, ..., joint]
    np.testing.assert_allclose(centre_of_mass(one_map), cell, atol=1e-4)


def test_a_person_crop_of_a_single_joint_shows_it_in_the_middle():
  maps = person_crop({(0, 0, 4): (300, 7)})
  np.testing.assert_allclose(centre_of_mass(maps[0, ..., 4]), (24.5, 19.5), atol=1e-4)
  assert np.count_nonzero(maps.sum(axis=(0, 1, 2))) == 1


def test_a_person_crop_of_nobody_is_empty():
  maps = person_crop({}, frames=2, skeleton=BACKGROUND)
  np.testing.assert_array_equal(maps[..., :18], 0)
  np.testing.assert_array_equal(maps[..., 18], 1)


def test_an_unknown_crop_is_refused():
  message = r"no crop 'people'; it is one of \('frame', 'person'\)"
  with pytest.raises(ValueError, match=message):
    MapSettings(size=(16, 22), short_side=16, sigma=1.0, crop='people')


@pytest.mark.parametrize('size', [(64, 86, 32, 43), (64,), (0, 86)])
def test_a_canvas_that_is_not_height_and_width_is_refused(size):
  with pytest.raises(ValueError, match=r'map_size is \(.*\); it is \(height, width\)'):
    MapSettings(size=size, short_side=16, sigma=1.0)


# PoTion: large enough that no joint comes near the border, wherever it is moved.
POTION = MapSettings((32, 44), short_side=32, sigma=1.0, potion=PotionSettings())
REPRESENTATIONS = ('keypoints', 'heatmaps', 'potion')
# Of the maps' 8 bits, and of float16.
PRECISION = {'keypoints': 1e-6, 'heatmaps': 0.5 / 255 + 1e-6, 'potion': 5e-4}
MOVED = AugmentSettings(
  pose_aware=PoseAwareSettings(global_shift=3.0, group_shift=3.0), views=3
)


def inner_clip(skeleton: Skeleton = PENN, frames: int = 5) -> PoseClip:
  """One person whose joints stay 8 cells of POTION's canvas from the border."""
  rng = np.random.default_rng(1)
  shape = (frames, 1, skeleton.num_joints)
  scores = rng.uniform(0.2, 1, shape)
  scores[rng.random(shape) < 0.2] = 0
  reach = rng.uniform(8, [35, 23], (*shape, 2))
  return PoseClip('clip', reach * 7.5, scores, (240, 320), skeleton)


def potion_maps(clip, representation, settings=POTION, *, skeleton=None, **options):
  batch = batch_of(clip, representation, settings, num_frames=8)
  return np.asarray(
    batch_maps(
      batch,
      options.get('key'),
      skeleton=skeleton or clip.skeleton,
      settings=settings,
      augmentation=options.get('augmentation', STILL),
    )
  )


# Five frames at 0, ½, 1, 1½ and 2 of colours 0, 1 and 2.
WEIGHTS = np.array([[2, 0, 0], [1, 1, 0], [0, 2, 0], [0, 1, 1], [0, 0, 2]]) / 2


@pytest.mark.parametrize('representation', REPRESENTATIONS)
def test_the_potion_maps_of_a_video_shorter_than_t(representation):
  clip = inner_clip()
  settings = PotionSettings(normalization='none', variant='UIN')
  maps = potion_maps(clip, representation, dataclasses.replace(POTION, potion=settings))
  frames, _ = both(clip, settings=dataclasses.replace(POTION, potion=None))
  coloured = np.einsum('thwj,tc->jhwc', np.asarray(frames)[0], WEIGHTS)
  intensity = coloured.sum(axis=-1, keepdims=True)
  expected = np.concatenate([coloured, intensity, coloured / (1 + intensity)], axis=-1)
  assert maps.shape == (1, 13, 32, 44, 7)
  assert maps.dtype == np.float32
  # A cell of I is the sum of five frames.
  np.testing.assert_allclose(maps[0], expected, atol=5 * PRECISION[representation])
  assert expected[..., 3].max() > 0.9


@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps'])
def test_frames_that_pad_a_video_leave_no_trace(representation):
  batch = batch_of(inner_clip(), representation, POTION, num_frames=8)
  pixels = 'keypoints' if representation == 'keypoints' else 'maps'
  assert batch['num_frames'] == 5
  other = batch | {pixels: batch[pixels].copy()}
  other[pixels][:, 5:] = 1 if representation == 'keypoints' else 200
  render = functools.partial(
    batch_maps, key=None, skeleton=PENN, settings=POTION, augmentation=STILL
  )
  np.testing.assert_array_equal(render(batch), render(other))
  other[pixels][:, 4] = other[pixels][:, 5]  # What is real does.
  assert not np.allclose(render(batch), render(other), atol=0.01)


def test_nor_do_they_widen_a_person_crop():
  settings = dataclasses.replace(POTION, crop='person')
  batch = batch_of(inner_clip(), 'keypoints', settings, num_frames=8)
  render = functools.partial(
    batch_maps, key=None, skeleton=PENN, settings=settings, augmentation=STILL
  )
  before = render(batch)
  batch['keypoints'][:, 5:] = 1  # Far from the people, and present.
  np.testing.assert_array_equal(before, render(batch))
  assert np.asarray(before).max() > 0.1


def test_all_representations_give_the_same_views():
  clip, key = inner_clip(), jax.random.key(5)
  views = {
    representation: potion_maps(clip, representation, key=key, augmentation=MOVED)
    for representation in REPRESENTATIONS
  }
  rest = potion_maps(clip, 'keypoints')
  for representation, maps in views.items():
    assert maps.shape == (3, 13, 32, 44, 3)
    np.testing.assert_allclose(maps, views['keypoints'], atol=PRECISION[representation])
  for view, other in [(0, 1), (0, 2), (1, 2)]:
    assert not np.allclose(views['potion'][view], views['potion'][other], atol=0.1)
  for view in views['potion']:
    assert not np.allclose(view, rest[0], atol=0.1)
  again = potion_maps(clip, 'potion', key=key, augmentation=MOVED)
  np.testing.assert_array_equal(again, views['potion'])
  other_key = jax.random.key(6)
  others = potion_maps(clip, 'potion', key=other_key, augmentation=MOVED)
  assert not np.allclose(others, again, atol=0.1)


def test_views_of_a_row_stand_one_after_another():
  first, second = inner_clip(), inner_clip(frames=4)
  batches = [batch_of(c, 'potion', POTION, num_frames=8) for c in (first, second)]
  batch = {n: np.concatenate([b[n] for b in batches]) for n in batches[0]}
  flips = AugmentSettings(flip_probability=0.5, views=2)
  maps = batch_maps(
    batch, jax.random.key(0), skeleton=PENN, settings=POTION, augmentation=flips
  )
  rest = np.concatenate([potion_maps(c, 'potion') for c in (first, second)])
  flipped = rest[:, list(PENN.flip_permutation), :, ::-1]
  flips = []
  for view, one in enumerate(np.asarray(maps)):
    row = view // 2
    matches = [np.allclose(one, of[row], atol=1e-6) for of in (rest, flipped)]
    assert sum(matches) == 1
    flips.append(matches[1])
  assert len(maps) == 4
  assert len(set(flips)) == 2


def test_a_background_is_kept_or_dropped(monkeypatch):
  """It is moved with the whole pose; groups' shifts are not for it."""
  motion = joint_motion(np.zeros((18, 2)), whole=(-3, 2))
  fix_draw(monkeypatch, flip=True, joint_motion=motion)
  options = {
    'key': jax.random.key(0),
    # The probability is ours alone: the draw is compiled in.
    'augmentation': AugmentSettings(0.53, pose_aware=PoseAwareSettings(4.0)),
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


def test_groups_of_joints_move_in_single_frames_too(monkeypatch):
  clip = inner_clip(BACKGROUND)
  settings = dataclasses.replace(POTION, potion=None)
  shifts = np.random.default_rng(0).integers(-2, 3, (18, 2))
  fix_draw(monkeypatch, joint_motion=joint_motion(shifts, whole=(2, -1)))
  moves = AugmentSettings(0.54, pose_aware=PoseAwareSettings(3.0, 3.0))  # Ours, too.
  rendered, stored = both(clip, jax.random.key(1), moves, settings)
  assert rendered.shape == (1, 5, 32, 44, 19)
  np.testing.assert_allclose(rendered, stored, atol=1 / 255)
  # By hand: a joint's map is its map at rest, so many rows and columns on.
  rest = np.asarray(both(clip, settings=settings)[1])
  for joint, (x, y) in enumerate(shifts + np.array([2, -1])):
    moved = np.roll(rest[..., joint], (y, x), axis=(2, 3))
    np.testing.assert_allclose(stored[..., joint], moved, atol=1e-6)


@pytest.mark.parametrize('representation', REPRESENTATIONS)
@pytest.mark.parametrize('normalization', ['area', 'max', 'none'])
@pytest.mark.parametrize(
  ('variant', 'channels'), [('U', 3), ('I', 1), ('N', 3), ('UIN', 7)]
)
def test_every_variant_has_its_channels(
  representation, normalization, variant, channels
):
  potion = PotionSettings(normalization=normalization, variant=variant)
  settings = dataclasses.replace(POTION, potion=potion)
  maps = jax.eval_shape(
    functools.partial(
      clip_maps.batch_maps, skeleton=PENN, settings=settings, augmentation=MOVED
    ),
    batch_of(inner_clip(), representation, POTION, num_frames=8),
    jax.random.key(0),
  )
  assert maps.shape == (3, 13, 32, 44, channels)
