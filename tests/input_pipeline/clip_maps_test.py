"""Both representations, stored and read as in a run, must give a model the same maps."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline import augment, clip_maps
from input_pipeline.augment import Augmentation, AugmentSettings
from input_pipeline.clip_maps import MapSettings, frame_offset
from input_pipeline.datasets.stored_maps import render_clip
from input_pipeline.loader import ClipSettings, evaluation_batches
from input_pipeline.pose_clip import PoseClip
from input_pipeline.skeletons import Skeleton, get_skeleton

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


def batch_of(clip: PoseClip, *, stored: bool, settings: MapSettings = SETTINGS):
  """The clip as a data set keeps it, through the loader."""
  if stored:
    sigma = settings.sigma
    poses = {'maps': render_clip(clip, short_side=settings.short_side, sigma=sigma)}
  else:
    scores = clip.scores[..., None]
    poses = {'keypoints': np.concatenate([clip.keypoints, scores], axis=-1)}
  record = {'frame_size': np.array(clip.frame_size, np.int32), 'label': 0, **poses}
  clip_settings = ClipSettings(
    num_frames=clip.num_frames,
    rule='segments',
    max_persons=clip.num_persons,
    canvas=settings.size,
    background=clip.skeleton.background,
  )
  (batch,) = evaluation_batches(
    [record], [0], clip_settings, batch_size=1, num_views=1, read_threads=0
  )
  pixels = 'maps' if stored else 'keypoints'
  return {pixels: batch[pixels][:, 0], 'frame_size': batch['frame_size']}


def both(clip, key=None, augmentation=STILL):
  render = functools.partial(
    batch_maps,
    key=key,
    skeleton=clip.skeleton,
    settings=SETTINGS,
    augmentation=augmentation,
  )
  return render(batch_of(clip, stored=False)), render(batch_of(clip, stored=True))


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


def fix_draw(monkeypatch, *, flip, shift):
  """Lets every clip draw the same; takes the place of the drawing, not of its use."""
  draw = Augmentation(
    flip=jnp.array(flip), scale=jnp.float32(1), shift=jnp.array(shift, jnp.float32)
  )
  monkeypatch.setattr(augment, 'draw', lambda *_: draw)


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


@pytest.mark.parametrize('stored', [False, True], ids=['keypoints', 'heatmaps'])
def test_a_row_draws_for_all_its_frames_and_whatever_the_batch_size(stored):
  clip = random_clip((240, 320))
  still = PoseClip(
    'still', clip.keypoints[[0, 0, 0]], clip.scores[[0, 0, 0]], clip.frame_size, PENN
  )
  one = batch_of(still, stored=stored)

  def augmented(rows, seed=0):
    return np.asarray(
      batch_maps(
        {name: np.repeat(array, rows, axis=0) for name, array in one.items()},
        jax.random.key(seed),
        skeleton=PENN,
        settings=SETTINGS,
        augmentation=AugmentSettings(scale=(0.9, 1.1), shift=0.1),
      )
    )

  four = augmented(4)
  np.testing.assert_array_equal(four[:, 1], four[:, 0])
  np.testing.assert_array_equal(four[:, 2], four[:, 0])
  for row in range(3):
    assert not np.allclose(four[row], four[row + 1], atol=0.01)
  np.testing.assert_allclose(augmented(2), four[:2], atol=1e-6)
  assert not np.allclose(augmented(2, seed=1), four[:2], atol=0.01)


PERSON = MapSettings(size=(40, 50), short_side=16, sigma=1.0, crop='person')


def person_crop(joints, *, frames=1, persons=1, skeleton=PENN):
  """The maps `[t, h, w, c]` of joints given as (frame, person, joint): (x, y)."""
  positions = np.zeros((frames, persons, skeleton.num_joints, 2))
  scores = np.zeros(positions.shape[:-1])
  for place, position in joints.items():
    positions[place], scores[place] = position, 1
  clip = PoseClip('clip', positions, scores, (240, 320), skeleton)
  batch = batch_of(clip, stored=False, settings=PERSON)
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
