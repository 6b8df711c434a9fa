"""Clips as batches in every representation, through storage and loader, and their maps."""

import functools
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from input_pipeline import model_input
from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import Augmentation, AugmentSettings
from input_pipeline.augmentation.pose_aware import JointMotion
from input_pipeline.loading.clip_rows import ClipSettings
from input_pipeline.loading.loader import evaluation_batches
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton, get_skeleton
from input_pipeline.storage.rendered_maps import (
  potion_clip_maps,
  render_clip,
  render_clip_parts,
)

SETTINGS = MapSettings(size=(16, 22), short_side=16, sigma=1.0, part_width=0.9)
STILL = AugmentSettings(flip_probability=0.0)
PENN = get_skeleton('penn_action')  # Its shoulders are a limb across the body.
BACKGROUND = get_skeleton('openpose_18_background')

# Compilation takes nearly all the time, and is twice as fast without optimization. All
# test files share these functions, and so their compiled programs.
_jit = functools.partial(
  jax.jit,
  static_argnames=('skeleton', 'settings', 'augmentation'),
  compiler_options={
    'xla_backend_optimization_level': 0,
    'xla_llvm_disable_expensive_passes': True,
  },
)
batch_input = _jit(model_input.batch_input)


@_jit
def drawn_maps(batch, draw: Augmentation, *, skeleton, settings, augmentation):
  """`batch_input`, but every view uses the given draw instead of a random one."""
  with mock.patch.object(augment, 'draw', lambda *_: draw):
    return model_input.batch_input(
      batch,
      jax.random.key(0),
      skeleton=skeleton,
      settings=settings,
      augmentation=augmentation,
    )


def draw_of(*, flip=False, shift=(0, 0), joint_motion=None) -> Augmentation:
  return Augmentation(
    flip=jnp.array(flip),
    scale=jnp.float32(1),
    shift=jnp.array(shift, jnp.float32),
    joint_motion=joint_motion,
  )


def joint_motion(shifts, whole) -> JointMotion:
  """Shifts (x, y): `whole` for the pose, plus `shifts` `[j, 2]` per joint."""
  whole = np.array(whole, np.float32)
  shifts = np.array(shifts, np.float32)
  return JointMotion(
    shift=jnp.array(whole[None] + shifts),
    angle=jnp.zeros(len(shifts)),
    global_shift=jnp.array(whole),
  )


def random_clip(
  frame_size: tuple[int, int] = (240, 320),
  skeleton: Skeleton = PENN,
  *,
  frames: int = 3,
  seed: int = 0,
) -> PoseClip:
  """Two people; some joints are missing, some outside the frame."""
  rng = np.random.default_rng(seed)
  height, width = frame_size
  shape = (frames, 2, skeleton.num_joints)
  reach = rng.uniform(-0.1, 1.1, (*shape, 2))
  scores = rng.uniform(0.2, 1, shape)
  scores[rng.random(shape) < 0.2] = 0
  return PoseClip('clip', reach * [width, height], scores, frame_size, skeleton)


def inner_clip(skeleton: Skeleton = PENN, frames: int = 5) -> PoseClip:
  """One person whose joints stay 8 cells from the border of a 32 × 44 canvas."""
  rng = np.random.default_rng(1)
  shape = (frames, 1, skeleton.num_joints)
  scores = rng.uniform(0.2, 1, shape)
  scores[rng.random(shape) < 0.2] = 0
  reach = rng.uniform(8, [35, 23], (*shape, 2))
  return PoseClip('clip', reach * 7.5, scores, (240, 320), skeleton)


def record_of(clip: PoseClip, representation: str, settings=SETTINGS) -> dict[str, Any]:
  """The clip as a data set stores it."""
  record = {'frame_size': np.array(clip.frame_size, np.int32), 'label': 0}
  drawing = {'short_side': settings.short_side, 'sigma': settings.sigma}
  if representation == 'keypoints':
    scores = clip.scores[..., None]
    return record | {'keypoints': np.concatenate([clip.keypoints, scores], axis=-1)}
  if representation == 'potion':
    potion = settings.potion or PotionSettings()
    means = potion_clip_maps(clip, **drawing, potion=potion)
    return record | {'potion': means.astype(np.float16), 'num_frames': clip.num_frames}
  stored = stored_modalities(settings.modalities)
  if 'joints' in stored:
    record['maps'] = render_clip(clip, **drawing)
  if 'parts' in stored:
    record['parts'] = render_clip_parts(
      clip, short_side=settings.short_side, width=settings.part_width
    )
  return record


def batch_of_record(
  record, settings, *, num_frames, rule='segments', persons=2, background=False
) -> dict[str, np.ndarray]:
  """The record as the step receives it from the loader, with a single view."""
  clip_settings = ClipSettings(
    num_frames=num_frames,
    rule=rule,
    max_persons=persons,
    canvas=settings.size,
    background=background,
    modalities=stored_modalities(settings.modalities),
  )
  records: Any = [record]
  (batch,) = evaluation_batches(
    records, [0], clip_settings, batch_size=1, num_views=1, read_threads=0
  )
  viewed = model_input.VIEWED & batch.keys()
  names = {'frame_size', 'num_frames', 'features_scale'} & batch.keys()
  return {n: batch[n][:, 0] for n in viewed} | {n: batch[n] for n in names}


def batch_of(
  clip: PoseClip, representation: str, settings=SETTINGS, num_frames=None
) -> dict[str, np.ndarray]:
  """All frames of the clip, or the whole clip padded to `num_frames`."""
  return batch_of_record(
    record_of(clip, representation, settings),
    settings,
    num_frames=num_frames or clip.num_frames,
    rule='whole' if num_frames else 'segments',
    persons=clip.num_persons,
    background=clip.skeleton.background,
  )


def maps_of(
  clip: PoseClip,
  representation: str,
  settings=SETTINGS,
  *,
  draw: Augmentation | None = None,
  augmentation=STILL,
  skeleton: Skeleton | None = None,
  num_frames=None,
) -> Any:
  """The maps of one clip (the batch has one row), moved by `draw` if given."""
  batch = batch_of(clip, representation, settings, num_frames)
  options = {
    'skeleton': skeleton or clip.skeleton,
    'settings': settings,
    'augmentation': augmentation,
  }
  if draw is None:
    return jax.tree.map(np.asarray, batch_input(batch, None, **options))
  return jax.tree.map(np.asarray, drawn_maps(batch, draw, **options))


def rendered_and_stored(
  clip: PoseClip, settings=SETTINGS, **options
) -> tuple[Any, Any]:
  """The clip's maps from keypoints and from stored maps."""
  return (
    maps_of(clip, 'keypoints', settings, **options),
    maps_of(clip, 'heatmaps', settings, **options),
  )


def centre_of_mass(one_map) -> tuple[float, float]:
  """(x, y) in cells."""
  rows, columns = np.mgrid[: one_map.shape[0], : one_map.shape[1]]
  mass = one_map / one_map.sum()
  return (mass * columns).sum(), (mass * rows).sum()
