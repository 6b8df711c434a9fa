"""Measures how accurate trained models are on disturbed poses.

Every model predicts the clips of a split as they are, and disturbed in several ways
(`DISTURBANCES`), the same for all models:

    python -m benchmarks.accuracy.robustness --workdirs=RUN1,RUN2 --format=pyskl --poses=FILE \
        --skeleton=jhmdb --split=val_g0

With `--estimated` and `--true`, joints also move by a pose network's errors on one video:
estimated minus true positions (`.npy`, pixels, `[t, j, 2]` in the order of
`--skeleton`).
"""

from __future__ import annotations

import dataclasses
import shlex
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

import pose_action
from benchmarks.arguments import add_poses, add_workdirs, parser_of, read_poses
from input_pipeline.poses.clip import PoseClip
from pose_action.host.text_table import aligned

DROPPED_SHARE = 0.3
NOISE_SHARE = 0.05  # σ in heights of the person

# A clip and random numbers to a worse clip.
Disturbance = Callable[[PoseClip, np.random.Generator], PoseClip]


@dataclasses.dataclass(frozen=True, eq=False)
class PoseErrors:
  """Errors of a pose network on one video.

  Attributes:
    offsets: `[t, j, 2]`, estimated minus true position, in heights of the person.
    found: False where the network found no joint, or does not know it.
  """

  offsets: Float[np.ndarray, 't j 2']
  found: Bool[np.ndarray, 't j']


def person_height(clip: PoseClip) -> float:
  """The median over frames and people of the height of the box of present joints.

  In pixels; frames with fewer than two joints do not count; 1 if there are none.
  """
  present = clip.scores > 0
  y = clip.keypoints[..., 1]
  low = np.where(present, y, np.inf).min(axis=2)
  high = np.where(present, y, -np.inf).max(axis=2)
  counted = present.sum(axis=2) > 1
  return float(np.median((high - low)[counted])) if counted.any() else 1.0


def drop_joints(clip: PoseClip, rng: np.random.Generator) -> PoseClip:
  """Each joint of each frame is missing with probability 0.3."""
  kept = rng.random(clip.scores.shape) >= DROPPED_SHARE
  return dataclasses.replace(clip, scores=clip.scores * kept)


def drop_joints_throughout(clip: PoseClip, rng: np.random.Generator) -> PoseClip:
  """30 % of the joints, rounded, are missing in the whole clip."""
  joints = clip.scores.shape[2]
  hidden = rng.permutation(joints)[: round(DROPPED_SHARE * joints)]
  scores = clip.scores.copy()
  scores[:, :, hidden] = 0
  return dataclasses.replace(clip, scores=scores)


def add_noise(clip: PoseClip, rng: np.random.Generator) -> PoseClip:
  """Gaussian noise per frame and joint, σ 5 % of the person's height in x and in y."""
  sigma = NOISE_SHARE * person_height(clip)
  noise = rng.normal(0, sigma, clip.keypoints.shape)
  return dataclasses.replace(clip, keypoints=clip.keypoints + noise)


def first_half(clip: PoseClip, rng: np.random.Generator) -> PoseClip:
  """Only the first half of the frames, rounded up."""
  del rng
  return _frames(clip, 0, -(-len(clip.keypoints) // 2))


def middle_half(clip: PoseClip, rng: np.random.Generator) -> PoseClip:
  """Only the half of the frames in the middle, rounded up."""
  del rng
  count = -(-len(clip.keypoints) // 2)
  return _frames(clip, (len(clip.keypoints) - count) // 2, count)


DISTURBANCES: dict[str, Disturbance] = {
  'as they are': lambda clip, rng: clip,
  '30 % of joints dropped, per frame': drop_joints,
  '30 % of joints dropped, whole clip': drop_joints_throughout,
  'noise, 5 % of height': add_noise,
  'first half': first_half,
  'middle half': middle_half,
}


def pose_errors(
  estimated: PoseClip, true: Float[np.ndarray, 't j 2'], joints: Sequence[str]
) -> PoseErrors:
  """The errors of the estimated poses' person with the highest scores.

  Joints that the pose network does not know take the errors of all its joints in turn.

  Args:
    true: positions of `joints` in pixels of the same frames.

  Raises:
    ValueError: if the numbers of frames differ, or no joint is common.
  """
  if len(estimated.keypoints) != len(true):
    raise ValueError(
      f'the estimated poses have {len(estimated.keypoints)} frames, but the true'
      f' positions {len(true)}; give the same video'
    )
  person = estimated.scores.sum(axis=(0, 2)).argmax()
  names = list(estimated.skeleton.joints)
  common = [j for j, name in enumerate(joints) if name in names]
  if not common:
    raise ValueError(
      f'no joint of {", ".join(joints)} is among the estimated {", ".join(names)}'
    )
  height = np.median(np.ptp(true[..., 1], axis=1))
  offsets = np.zeros_like(true, dtype=np.float64)
  found = np.zeros(true.shape[:2], bool)
  for place, j in enumerate(range(len(joints))):
    source = j if j in common else common[place % len(common)]
    column = names.index(joints[source])
    found[:, j] = estimated.scores[:, person, column] > 0
    offsets[:, j] = (estimated.keypoints[:, person, column] - true[:, source]) / height
  return PoseErrors(offsets, found)


def with_pose_errors(errors: PoseErrors) -> Disturbance:
  """Joints err as in the video: a run of its frames from a random one, per clip."""

  def disturbed(clip: PoseClip, rng: np.random.Generator) -> PoseClip:
    """Moves the joints of one clip, and drops those that the network did not find."""
    frames = (rng.integers(len(errors.found)) + np.arange(len(clip.scores))) % len(
      errors.found
    )
    moved = errors.offsets[frames][:, None] * person_height(clip)
    return dataclasses.replace(
      clip,
      keypoints=clip.keypoints + moved,
      scores=clip.scores * errors.found[frames][:, None],
    )

  return disturbed


def accuracies(
  model: Any, clips: Sequence[PoseClip], disturbances: Mapping[str, Disturbance]
) -> dict[str, float]:
  """The share of clips whose label a model predicts, per disturbance.

  The random numbers of a clip depend on its name and the disturbance only, so that all
  models see the same clips.
  """
  found = {}
  for name, disturb in disturbances.items():
    worse = [
      disturb(
        clip, np.random.default_rng(zlib.crc32(f'{name} {clip.video_id}'.encode()))
      )
      for clip in clips
    ]
    predictions = model.predict(worse, batch_size=32)
    right = [
      int(p.probabilities.argmax()) in clip.labels
      for p, clip in zip(predictions, clips, strict=True)
    ]
    found[name] = float(np.mean(right))
  return found


def _frames(clip: PoseClip, start: int, count: int) -> PoseClip:
  chosen = slice(start, start + count)
  return dataclasses.replace(
    clip, keypoints=clip.keypoints[chosen], scores=clip.scores[chosen]
  )


def _poses(clip: Any) -> PoseClip:
  if not isinstance(clip, PoseClip):
    raise SystemExit('the clips hold maps, but disturbances need positions of joints')
  return clip


def table(found: Mapping[str, Mapping[str, float]]) -> str:
  """A column per model, a row per disturbance; in percent."""
  rows = [['accuracy, %', *found]]
  for name in next(iter(found.values())):
    rows.append([name, *(f'{100 * figures[name]:.1f}' for figures in found.values())])
  return '\n'.join(aligned(rows))


def main(argv: Sequence[str]):
  """Prints the accuracy of each model under each disturbance, as a table."""
  parser = parser_of('accuracy.robustness', __doc__)
  add_workdirs(parser)
  parser.add_argument('--checkpoint', default='best', choices=('best', 'last'))
  add_poses(parser)
  parser.add_argument('--split', required=True, help='a split of the poses')
  parser.add_argument('--estimated', help='poses of one video by a pose network')
  parser.add_argument('--estimated_skeleton', help='their skeleton')
  parser.add_argument('--true', help='.npy with the true positions in that video')
  options = parser.parse_args(argv)
  source = read_poses(options)
  if options.split not in source.splits:
    parser.error(f'there is no split {options.split!r}: {", ".join(source.splits)}')
  clips = [_poses(source.load(name)) for name in source.splits[options.split]]
  disturbances = dict(DISTURBANCES)
  if options.estimated:
    poses = pose_action.read_poses(
      options.estimated, skeleton=options.estimated_skeleton
    )
    (name,) = next(iter(poses.splits.values()))
    errors = pose_errors(
      _poses(poses.load(name)), np.load(options.true), clips[0].skeleton.joints
    )
    disturbances["a pose network's errors"] = with_pose_errors(errors)
  print(f'{parser.prog} {shlex.join(argv)}')
  print(f'{len(clips)} clips of {options.split}')
  found = {}
  for workdir in options.workdirs.split(','):
    model = pose_action.load(workdir, checkpoint=options.checkpoint)
    found[workdir] = accuracies(model, clips, disturbances)
  print(table(found))


if __name__ == '__main__':
  main(sys.argv[1:])
