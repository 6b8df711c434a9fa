"""The sheet of confused classes: a misread clip beside a clip of the answer's class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8

from input_pipeline.poses.sources import PoseSource
from pose_action.evaluation.confused_pairs import ConfusedPair, confused_pairs
from pose_action.evaluation.score_files import Scores, read_scores
from pose_action.plots.contact_sheet import SheetClip, contact_sheet_image

_FRAMES = 4  # Per clip; ours.


def confusion_sheet(
  source: PoseSource,
  files: Sequence[str],
  most: int,
  say: Callable[[str], object] = lambda line: None,
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws a row per pair: the surest misread clip, and the surest right one.

  Args:
    source: has the clips that the files name.
    files: score files of one or several evaluations with the same classes, for
      `score_files.read_scores`; the pairs are counted over all of them.
    most: the number of pairs.
    say: gets a line per pair.

  Raises:
    ValueError: if files do not match, nothing is confused, or a clip cannot be loaded.
  """
  scores = [read_scores(file) for file in files]
  names = _class_names(scores)
  ids = [str(video_id) for one in scores for video_id in one.video_ids]
  probabilities = np.concatenate([one.probabilities for one in scores])
  labels = np.concatenate([one.labels for one in scores if one.labels is not None])
  pairs = confused_pairs(ids, probabilities, labels, most)
  if not pairs:
    raise ValueError(f'{", ".join(files)}: every clip is recognised, so none is drawn')
  clips = []
  for pair in pairs:
    a, b = names[pair.label], names[pair.predicted]
    say(f'{a} taken for {b}: {len(pair.misread)} of {pair.clips} clips')
    caption = f'{a}, taken for {b} ({len(pair.misread)} of {pair.clips} clips)'
    clips.append(_sheet_clip(source, pair.misread[0], caption, marked=True))
    clips.append(_answer(source, pair, b))
  heading = f'Most confused classes, {len(ids)} clips; on the right, the class answered'
  skeleton = source.skeleton
  return contact_sheet_image(
    heading, clips, skeleton.limb_indices, skeleton.limb_sides, columns=2
  )


def _class_names(scores: Sequence[Scores]) -> list[str]:
  for one in scores:
    if one.labels is None or one.class_names is None:
      raise ValueError(
        f'{one.name}: there are no labels or class names in it, and confused classes need'
        ' both; evaluate the run again (pose-action evaluate)'
      )
    if list(one.class_names) != list(scores[0].class_names):
      raise ValueError(
        f'{one.name} has other classes than {scores[0].name}; give score files of one'
        ' set of classes'
      )
  return [str(name) for name in scores[0].class_names]


def _answer(source: PoseSource, pair: ConfusedPair, name: str) -> SheetClip:
  if pair.right:
    return _sheet_clip(source, pair.right[0], f'{name}, recognised')
  nothing = np.zeros((_FRAMES, 1, len(source.skeleton.joints), 2), np.float32)
  return SheetClip(
    title='',
    caption=f'{name}: no clip was recognised',
    keypoints=nothing,
    seen=np.zeros(nothing.shape[:3], bool),
    frames=range(_FRAMES),
    frame_size=(3, 4),
  )


def _sheet_clip(
  source: PoseSource, video_id: str, caption: str, *, marked: bool = False
) -> SheetClip:
  clip = source.load(video_id)
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
