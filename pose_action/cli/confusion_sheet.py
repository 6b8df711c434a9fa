"""The sheet of confused classes: a misread clip beside a clip of the answer's class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8

from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.examples import AnyClip
from pose_action.evaluation.confused_pairs import ConfusedPair, confused_pairs
from pose_action.evaluation.score_files import Scores, read_scores
from pose_action.plots.contact_sheet import SheetClip, contact_sheet_image

_FRAMES = 4  # Per clip; ours.


@dataclasses.dataclass(frozen=True)
class Confusions:
  """The pairs to draw.

  Attributes:
    pairs: see `confused_pairs`.
    class_names: names by class index.
    clips: how many clips were evaluated.
  """

  pairs: list[ConfusedPair]
  class_names: list[str]
  clips: int

  @classmethod
  def of_files(cls, files: Sequence[str], most: int) -> Confusions:
    """Counts pairs over the score files of one or several evaluations.

    Args:
      files: for `score_files.read_scores`, with the same classes.
      most: the number of pairs.

    Raises:
      ValueError: if files do not match, or nothing is confused.
    """
    scores = [read_scores(file) for file in files]
    names = _class_names(scores)
    ids = [str(video_id) for one in scores for video_id in one.video_ids]
    probabilities = np.concatenate([one.probabilities for one in scores])
    labels = np.concatenate([one.labels for one in scores if one.labels is not None])
    pairs = confused_pairs(ids, probabilities, labels, most)
    if not pairs:
      raise ValueError(
        f'{", ".join(files)}: every clip is recognised, so none is drawn'
      )
    return cls(pairs, names, len(ids))

  @property
  def shown(self) -> list[str]:
    """The clips to draw: of each pair the surest misread, and the surest right one."""
    found = [id for pair in self.pairs for id in (*pair.misread[:1], *pair.right[:1])]
    return list(dict.fromkeys(found))

  def lines(self) -> list[str]:
    """A line per pair."""
    return [
      f'{self.class_names[pair.label]} taken for {self.class_names[pair.predicted]}:'
      f' {len(pair.misread)} of {pair.clips} clips'
      for pair in self.pairs
    ]


def confusion_sheet(
  confusions: Confusions, clips: Mapping[str, AnyClip], skeleton: Skeleton
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws a row per pair: the surest misread clip, and the surest right one.

  Args:
    clips: by name, those of `confusions.shown` that could be loaded.
    skeleton: of the clips.
  """
  names, drawn = confusions.class_names, []
  for pair in confusions.pairs:
    a, b = names[pair.label], names[pair.predicted]
    caption = f'{a}, taken for {b} ({len(pair.misread)} of {pair.clips} clips)'
    drawn.append(_sheet_clip(clips, skeleton, pair.misread[0], caption, marked=True))
    right = pair.right[0] if pair.right else ''
    caption = f'{b}, recognised' if right else f'{b}: no clip was recognised'
    drawn.append(_sheet_clip(clips, skeleton, right, caption))
  heading = (
    f'Most confused classes, {confusions.clips} clips; on the right, the class answered'
  )
  return contact_sheet_image(
    heading, drawn, skeleton.limb_indices, skeleton.limb_sides, columns=2
  )


def _class_names(scores: Sequence[Scores]) -> list[str]:
  names: list[str] = []
  for one in scores:
    if one.labels is None or one.class_names is None:
      raise ValueError(
        f'{one.name}: there are no labels or class names in it, and confused classes need'
        ' both; evaluate the run again (pose-action evaluate)'
      )
    own = [str(name) for name in one.class_names]
    names = names or own
    if own != names:
      raise ValueError(
        f'{one.name} has other classes than {scores[0].name}; give score files of one'
        ' set of classes'
      )
  return names


def _sheet_clip(
  clips: Mapping[str, AnyClip],
  skeleton: Skeleton,
  video_id: str,
  caption: str,
  *,
  marked: bool = False,
) -> SheetClip:
  """A clip's frames from first to last; empty frames for a clip without poses."""
  clip = clips.get(video_id)
  if not isinstance(clip, PoseClip):
    nothing = np.zeros((_FRAMES, 1, skeleton.num_joints, 2), np.float32)
    unseen = np.zeros(nothing.shape[:3], bool)
    return SheetClip(video_id, caption, nothing, unseen, range(_FRAMES), (3, 4), marked)
  moments = np.linspace(0, clip.num_frames - 1, min(_FRAMES, clip.num_frames))
  frames = moments.round().astype(int).tolist()
  return SheetClip(
    title=clip.video_id,
    caption=caption,
    keypoints=clip.keypoints[frames],
    seen=clip.scores[frames] > 0,
    frames=frames,
    frame_size=clip.frame_size,
    marked=marked,
  )
