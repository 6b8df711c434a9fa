"""Frame mAP on AVA of a file of scores, whose video ids name boxes."""

from __future__ import annotations

import csv
import dataclasses
import io

import numpy as np
from jaxtyping import Float, Int

from input_pipeline.annotations.ava import Annotations, PersonBox, has_class
from input_pipeline.errors import PoseDataError
from pose_action.evaluation.frame_map import (
  Detections,
  GroundTruth,
  frame_average_precisions,
)
from pose_action.evaluation.score_files import Scores

# Pairs of a box and a class that AVA's official script of v2.1 counts of a frame.
OFFICIAL_MOST = 50
_ALL_ACTIONS = 80  # Official ids are 1..80, of which 60 are evaluated.


@dataclasses.dataclass(frozen=True, eq=False)
class FrameMap:
  """What a file of scores is worth on AVA's validation frames.

  Attributes:
    actions: names of the classes by official id, in the order of axis `k`.
    positives: true boxes of each class.
    precisions: average precision of each class; NaN of one without true boxes.
    official_precisions: the same, of the `OFFICIAL_MOST` highest pairs of each frame.
    notes: lines that say what was compared.
  """

  actions: dict[int, str]
  positives: Int[np.ndarray, 'k']
  precisions: Float[np.ndarray, 'k']
  official_precisions: Float[np.ndarray, 'k']
  notes: tuple[str, ...]

  def __str__(self) -> str:
    there = int((self.positives > 0).sum())
    return '\n'.join(
      [
        *self.notes,
        f'frame mAP at IoU 0.5: {np.nanmean(self.precisions):.2%}, the mean over'
        f' {there} of {len(self.actions)} classes that have true boxes',
        f'of the {OFFICIAL_MOST} highest scores of each frame, as the official script of'
        f' v2.1 counts: {np.nanmean(self.official_precisions):.2%}',
      ]
    )

  def class_csv(self) -> bytes:
    """A line for each class; empty precisions where it has no true box."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    official = f'average_precision_of_{OFFICIAL_MOST}'
    writer.writerow(('class', 'id', 'true_boxes', 'average_precision', official))
    columns = (self.positives, self.precisions, self.official_precisions)
    for (action, name), count, *precisions in zip(
      self.actions.items(), *columns, strict=True
    ):
      shown = ['' if np.isnan(precision) else precision for precision in precisions]
      writer.writerow((name, action, int(count), *shown))
    return text.getvalue().encode()


def frame_map(scores: Scores, annotations: Annotations) -> FrameMap:
  """Scores of boxes against the true boxes of AVA's validation split.

  Boxes on excluded seconds are left out. A true box that none of the scored ones is of
  counts as not found, also where its whole video is missing.

  Args:
    scores: its `video_ids` are `video,second,x1,y1,x2,y2`; its classes have the names of
      the annotations' list, or no names and that order, or that of all 80 official ids.
      Its labels are not read.

  Raises:
    ValueError: where ids name no boxes of that split, or classes are others.
  """
  names = scores.video_ids.tolist()
  try:
    boxes = [PersonBox.from_name(name) for name in names]
  except PoseDataError as error:
    raise ValueError(f'{scores.name}: {error}') from error
  labels = annotations.labelled_boxes('val')
  excluded = annotations.excluded('val')
  _check_videos(scores, boxes, {box.video for box in labels})
  kept = np.array([box.frame not in excluded for box in boxes])
  counted = [box for box, keep in zip(boxes, kept, strict=True) if keep]
  columns = _columns(scores, annotations)
  truth = GroundTruth(
    frames=[box.frame for box in labels],
    boxes=_corners(list(labels)),
    has_class=has_class(labels, len(annotations.actions)),
  )
  detections = Detections(
    frames=[box.frame for box in counted],
    boxes=_corners(counted),
    scores=scores.probabilities[kept][:, columns],
  )
  return FrameMap(
    actions=annotations.actions,
    positives=truth.has_class.sum(axis=0),
    precisions=frame_average_precisions(detections, truth),
    official_precisions=frame_average_precisions(
      detections, truth, most_a_frame=OFFICIAL_MOST
    ),
    notes=_notes(detections, truth, num_excluded=int((~kept).sum())),
  )


def _check_videos(scores: Scores, boxes: list[PersonBox], videos: set[str]):
  foreign = sorted({box.video for box in boxes} - videos)
  if foreign:
    raise ValueError(
      f'{scores.name} scores boxes of {len(foreign)} videos that ava_val_v2.1.csv does not'
      f' have, such as {foreign[0]!r}; give scores of the split val'
    )


def _columns(scores: Scores, annotations: Annotations) -> Int[np.ndarray, 'k']:
  """Where the file has each class of the list."""
  number = scores.probabilities.shape[1]
  if scores.class_names is None:
    if number == _ALL_ACTIONS:
      return np.array(list(annotations.actions)) - 1
    if number == len(annotations.actions):
      return np.arange(number)
    raise ValueError(
      f'{scores.name} scores {number} classes without their names, but must score the'
      f' {len(annotations.actions)} of the list, or all {_ALL_ACTIONS} by their ids'
    )
  place = {name: column for column, name in enumerate(scores.class_names.tolist())}
  missing = [name for name in annotations.class_names if name not in place]
  if missing:
    raise ValueError(
      f'{scores.name} lacks {len(missing)} of the {len(annotations.actions)} classes of'
      f' the list, such as {missing[0]!r}'
    )
  return np.array([place[name] for name in annotations.class_names])


def _corners(boxes: list[PersonBox]) -> Float[np.ndarray, 'n 4']:
  return np.array([box.shares for box in boxes]).reshape(-1, 4)


def _notes(
  detections: Detections, truth: GroundTruth, num_excluded: int
) -> tuple[str, ...]:
  scored, true = set(detections.frames), set(truth.frames)
  notes = [
    f'{len(detections.frames)} scored boxes on {len(scored)} frames,'
    f' {len(truth.frames)} true boxes on {len(true)}'
  ]
  if num_excluded:
    notes.append(f'{num_excluded} scored boxes left out, on seconds that are excluded')
  if true - scored:
    notes.append(f'{len(true - scored)} frames with true boxes have no scored one')
  return tuple(notes)
