"""Whether left and right may be swapped, as far as positions in the image can tell.

A person seen from the front has the left shoulder on the image's right. The same
outline with left and right swapped is a person seen from behind, so one pose alone
rarely proves anything. What speaks for a swap:

- exchange: from one frame to the next all left joints are where the right ones were;
- twist: the shoulders are seen from the front and the hips from behind, or the reverse;
- face: nose and both eyes are seen, so the person faces the camera, yet the left shoulder
  is on the image's left;
- minority: nearly all other clips of the class are seen from the other side. This one
  is also raised by a clip that is truly seen from the other side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton

# All ours. Widths are shares of the trunk, from the middle of the hips to that of the
# shoulders; of people who face the camera the shoulders are about 0.7 apart.
_WIDE_SHOULDERS = 0.3
_WIDE_HIPS = 0.15
_FEWEST_FRAMES = 3  # With fewer that can be judged a clip is not.
_CLEAR = 0.8  # The share of frames that says from which side a clip is seen.
_TWISTED = 0.7  # The share of frames in which shoulders and hips disagree.
_FACING_AWAY = 0.5  # The share of frames with a face that seem to be seen from behind.
_FACE_SCORE = 0.5  # Estimators guess an eye that they do not see, with a low score.
_EXCHANGE = 0.5  # An exchange makes the motion shorter than that share of it,
_STEP = 0.15  # where a joint of a pair moves at least that share of the trunk.
_FEWEST_PAIRS = 3


@dataclasses.dataclass(frozen=True)
class SideFacts:
  """Counts of frames of persons, in one clip.

  Attributes:
    front, back: the left shoulder is clearly on the image's right, or left.
    twisted: of frames in which shoulders and hips are both wide, those that disagree.
    untwisted: the others of them.
    face_front, face_back: as front and back, of frames in which the face is seen.
    exchanges: frames at whose beginning left and right change places.
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
    """'front' or 'back' where nearly all frames say so."""
    if _mostly(self.front, self.back, _CLEAR):
      return 'front'
    return 'back' if _mostly(self.back, self.front, _CLEAR) else None


def side_facts(clip: PoseClip) -> SideFacts | None:
  """None where the layout has no shoulders and hips by these names."""
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
  """What of a clip alone speaks for a swap: 'exchange', 'twist', 'face'."""
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
  """Indices of the clips of a class that are seen from another side than the others.

  Args:
    views: `SideFacts.view` of each clip of a class.
    agreement: share of the other clips that must be seen from the same side.
    fewest: so many other clips must be seen from a clear side.
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
  """Length of the trunk in pixels, and from right to left shoulder and hip, `[t, m]`.

  Widths are measured across the trunk, towards the right of an image in which it stands
  upright, in shares of its length; NaN where one of the four joints is missing.
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
  """Nowhere in a layout without eyes; scores that are all 1 say nothing either."""
  names = ('nose', 'left_eye', 'right_eye')
  indices = [clip.skeleton.joints.index(n) for n in names if n in clip.skeleton.joints]
  if len(indices) < len(names):
    return np.zeros(clip.scores.shape[:2], bool)
  return clip.scores[:, :, indices].min(axis=-1) >= _FACE_SCORE


def _exchanges(clip: PoseClip, trunk: np.ndarray) -> tuple[int, ...]:
  """Frames whose joints fit the frame before much better with left and right swapped."""
  left, right = _sides(clip.skeleton)
  if len(left) < _FEWEST_PAIRS or clip.num_frames < 2:
    return ()
  size = np.nanmedian(trunk) if np.isfinite(trunk).any() else np.nan
  seen = (clip.scores[:, :, left] > 0) & (clip.scores[:, :, right] > 0)
  seen = seen[1:] & seen[:-1]
  a, b = clip.keypoints[:, :, left], clip.keypoints[:, :, right]

  def moved(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Mean distance over the pairs that are seen in both frames, `[t - 1, m]`."""
    distance = np.linalg.norm(now[1:] - before[:-1], axis=-1)
    return (distance * seen).sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1)

  kept = moved(a, a) + moved(b, b)
  swapped = moved(a, b) + moved(b, a)
  enough = seen.sum(axis=-1) >= _FEWEST_PAIRS
  found = enough & (swapped < _EXCHANGE * kept) & (kept > 2 * _STEP * size)
  return tuple(int(frame) + 1 for frame in np.flatnonzero(found.any(axis=1)))


def _sides(skeleton: Skeleton) -> tuple[list[int], list[int]]:
  """The two joints of each pair, the left ones where names say which."""
  pairs = [
    (a, b) if skeleton.joints[a].startswith('left_') else (b, a)
    for a, b in skeleton.flip_pairs
  ]
  return [a for a, _ in pairs], [b for _, b in pairs]
