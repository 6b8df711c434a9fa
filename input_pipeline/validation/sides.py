"""Detects swapped left and right, as far as image positions allow.

A person seen from the front has the left shoulder on the image's right. The same outline
with left and right swapped is a person seen from behind, so a single pose rarely proves
anything. Evidence for a swap:

- exchange: from one frame to the next, all left joints move to where the right ones were;
- twist: the shoulders are seen from the front and the hips from behind, or the reverse;
- face: nose and both eyes are visible, so the person faces the camera, yet the left
  shoulder is on the image's left;
- minority: nearly all other clips in the class are seen from the other side. A clip that
  is truly seen from the other side raises this too.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton

# All numbers are ours. Widths are shares of the trunk length, from mid-hip to
# mid-shoulder; the shoulders of people who face the camera are about 0.7 apart.
_WIDE_SHOULDERS = 0.3
_WIDE_HIPS = 0.15
_FEWEST_FRAMES = 3  # A clip with fewer usable frames is not judged.
_CLEAR = 0.8  # Share of frames that agree on the view, for a clear view.
_TWISTED = 0.7  # Share of frames in which shoulders and hips disagree.
_FACING_AWAY = 0.5  # Share of frames with a face that seem to be seen from behind.
_FACE_SCORE = 0.5  # Estimators give low scores to eyes that they only guess.
_EXCHANGE = 0.5  # Swapping sides must shorten the motion to less than this share,
_STEP = 0.15  # and joints must move by more than this share of the trunk length.
_FEWEST_PAIRS = 3


# Points of whole-body layouts on the face and the fingers.
_SMALL = re.compile(r'face_\d|hand_root|(thumb|finger)\d')


@dataclasses.dataclass(frozen=True)
class SideFacts:
  """Counts over all frames and persons in one clip.

  Attributes:
    front, back: the left shoulder is clearly on the image's right, or left.
    twisted, untwisted: shoulders and hips are both wide, and disagree, or agree.
    face_front, face_back: same as front and back, with a visible face.
    exchanges: indices of the frames at whose start left and right change places.
  """

  front: int
  back: int
  twisted: int
  untwisted: int
  face_front: int
  face_back: int
  exchanges: tuple[int, ...]

  @property
  def view(self) -> str | None:
    """'front' or 'back' if nearly all frames agree, else None."""
    if _mostly(self.front, self.back, _CLEAR):
      return 'front'
    return 'back' if _mostly(self.back, self.front, _CLEAR) else None


def side_facts(clip: PoseClip) -> SideFacts | None:
  """Counts the evidence in a clip; None if the layout lacks shoulders or hips."""
  if not {f'{s}_{p}' for s in ('left', 'right') for p in ('shoulder', 'hip')} <= {
    *clip.skeleton.joints
  }:
    return None
  trunk, shoulders, hips = _widths(clip)
  wide = np.abs(shoulders) > _WIDE_SHOULDERS  # False for NaN, where a joint is missing.
  both = wide & (np.abs(hips) > _WIDE_HIPS)
  disagree = both & (np.sign(shoulders) != np.sign(hips))
  face = wide & _face_seen(clip)
  return SideFacts(
    front=int((wide & (shoulders > 0)).sum()),
    back=int((wide & (shoulders < 0)).sum()),
    twisted=int(disagree.sum()),
    untwisted=int((both & ~disagree).sum()),
    face_front=int((face & (shoulders > 0)).sum()),
    face_back=int((face & (shoulders < 0)).sum()),
    exchanges=_exchanges(clip, trunk),
  )


def suspicions(facts: SideFacts) -> tuple[str, ...]:
  """Evidence for a swap within one clip: some of 'exchange', 'twist' and 'face'."""
  found = []
  if facts.exchanges:
    found.append('exchange')
  if _mostly(facts.twisted, facts.untwisted, _TWISTED):
    found.append('twist')
  if _mostly(facts.face_back, facts.face_front, _FACING_AWAY):
    found.append('face')
  return tuple(found)


def minority(
  views: Sequence[str | None], *, agreement: float = 0.8, fewest: int = 8
) -> list[int]:
  """Indices of a class's clips that are seen from another side than the other clips.

  Args:
    views: `SideFacts.view` for each clip in the class.
    agreement: share of the other clips that must be seen from the opposite side.
    fewest: smallest number of other clips with a clear view.
  """
  front, back = (sum(view == side for view in views) for side in ('front', 'back'))
  found = []
  for index, view in enumerate(views):
    if view is not None:
      others = front + back - 1
      against = back if view == 'front' else front
      if others >= fewest and against >= agreement * others:
        found.append(index)
  return found


def _mostly(these: int, others: int, share: float) -> bool:
  together = these + others
  return together >= _FEWEST_FRAMES and these > others and these >= share * together


def _joint(
  clip: PoseClip, name: str
) -> tuple[Float[np.ndarray, 't m 2'], Bool[np.ndarray, 't m']]:
  index = clip.skeleton.joints.index(name)
  return clip.keypoints[:, :, index], clip.scores[:, :, index] > 0


def _widths(clip: PoseClip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Trunk length in pixels, shoulder width and hip width, each `[t, m]`.

  Widths are signed distances from the right to the left joint, in shares of the trunk
  length, perpendicular to the trunk, and positive towards the image's right if the trunk
  is upright. NaN if one of the four joints is missing.
  """
  left_shoulder, a = _joint(clip, 'left_shoulder')
  right_shoulder, b = _joint(clip, 'right_shoulder')
  left_hip, c = _joint(clip, 'left_hip')
  right_hip, d = _joint(clip, 'right_hip')
  up = (left_shoulder + right_shoulder - left_hip - right_hip) / 2
  trunk = np.linalg.norm(up, axis=-1)
  trunk = np.where(a & b & c & d & (trunk > 0), trunk, np.nan)
  across = np.stack([-up[..., 1], up[..., 0]], axis=-1) / trunk[..., None]
  shoulders = ((left_shoulder - right_shoulder) * across).sum(axis=-1) / trunk
  hips = ((left_hip - right_hip) * across).sum(axis=-1) / trunk
  return trunk, shoulders, hips


def _face_seen(clip: PoseClip) -> Bool[np.ndarray, 't m']:
  """Whether nose and both eyes are visible, by their scores.

  False everywhere for a layout without eyes. Annotations whose scores are all 1 make this
  True everywhere.
  """
  names = ('nose', 'left_eye', 'right_eye')
  indices = [clip.skeleton.joints.index(n) for n in names if n in clip.skeleton.joints]
  if len(indices) < len(names):
    return np.zeros(clip.scores.shape[:2], bool)
  return clip.scores[:, :, indices].min(axis=-1) >= _FACE_SCORE


def _exchanges(clip: PoseClip, trunk: np.ndarray) -> tuple[int, ...]:
  """Frames that match the previous frame much better with left and right swapped."""
  left, right = _sides(clip.skeleton)
  if len(left) < _FEWEST_PAIRS or clip.num_frames < 2:
    return ()
  size = np.nanmedian(trunk) if np.isfinite(trunk).any() else np.nan
  seen = (clip.scores[:, :, left] > 0) & (clip.scores[:, :, right] > 0)
  seen = seen[1:] & seen[:-1]
  a, b = clip.keypoints[:, :, left], clip.keypoints[:, :, right]

  def moved(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Mean distance over the pairs present in both frames, `[t - 1, m]`."""
    distance = np.linalg.norm(now[1:] - before[:-1], axis=-1)
    return (distance * seen).sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1)

  kept = moved(a, a) + moved(b, b)
  swapped = moved(a, b) + moved(b, a)
  enough = seen.sum(axis=-1) >= _FEWEST_PAIRS
  found = enough & (swapped < _EXCHANGE * kept) & (kept > 2 * _STEP * size)
  return tuple(int(frame) + 1 for frame in np.flatnonzero(found.any(axis=1)))


def _sides(skeleton: Skeleton) -> tuple[list[int], list[int]]:
  """Joints of the flip pairs as two lists, left and right if the names say so.

  The many small pairs of a face and of fingers are left out: they move little when left
  and right change places, and would outweigh the body.
  """
  pairs = [
    (a, b) if skeleton.joints[a].startswith('left_') else (b, a)
    for a, b in skeleton.flip_pairs
    if not _SMALL.search(skeleton.joints[a])
  ]
  return [a for a, _ in pairs], [b for _, b in pairs]
