"""Frame mAP on AVA, from a file of scores whose video ids name boxes."""

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

# (Box, class) pairs that AVA's official v2.1 script counts per frame.
OFFICIAL_MOST = 50
_ALL_ACTIONS = 80  # Official ids are 1..80; 60 of these are evaluated.


@dataclasses.dataclass(frozen=True, eq=False)
class FrameMap:
  """Average precisions on AVA's validation frames.

  Attributes:
    actions: class names by official id, in the order of axis `k`.
    positives: true boxes per class.
    precisions: average precision per class; NaN for a class without true boxes.
    official_precisions: same, from the `OFFICIAL_MOST` highest scores per frame only.
    notes: lines about the boxes that were compared.
  """

  actions: dict[int, str]
  positives: Int[np.ndarray, 'k']
  precisions: Float[np.ndarray, 'k']
  official_precisions: Float[np.ndarray, 'k']
  notes: tuple[str, ...]

  def __str__(self) -> str:
    with_boxes = int((self.positives > 0).sum())
    return '\n'.join(
      [
        *self.notes,
        f'frame mAP at IoU 0.5: {np.nanmean(self.precisions):.2%}, the mean over the'
        f' {with_boxes} of {len(self.actions)} classes with true boxes',
        f'with only the {OFFICIAL_MOST} highest scores per frame, same as in the official'
        f' v2.1 script: {np.nanmean(self.official_precisions):.2%}',
      ]
    )

  def class_csv(self) -> bytes:
    """One line per class; precisions are empty for a class without true boxes."""
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
  """Compares scored boxes with the true boxes of AVA's validation split.

  Boxes on excluded seconds are ignored. A true box that no scored box overlaps counts as
  not found, even if its whole video has no scores.

  Args:
    scores: its `video_ids` are `video,second,x1,y1,x2,y2`. Its classes have the names in
      the annotations' list. Without names, they are in the list's order, or in the order
      of all 80 official ids. Its labels are not read.

  Raises:
    ValueError: if ids do not name boxes of that split, or the classes differ.
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
    notes=(
      *(f'warning: {note.message}' for note in annotations.notes),
      *_notes(detections, truth, num_excluded=int((~kept).sum())),
    ),
  )


def _check_videos(scores: Scores, boxes: list[PersonBox], videos: set[str]):
  foreign = sorted({box.video for box in boxes} - videos)
  if foreign:
    raise ValueError(
      f'{scores.name} scores boxes in {len(foreign)} videos that are not in'
      f' ava_val_v2.1.csv, such as {foreign[0]!r}; give scores of the split val'
    )


def _columns(scores: Scores, annotations: Annotations) -> Int[np.ndarray, 'k']:
  """The column of each class in the list."""
  number = scores.probabilities.shape[1]
  if scores.class_names is None:
    if number == _ALL_ACTIONS:
      return np.array(list(annotations.actions)) - 1
    if number == len(annotations.actions):
      return np.arange(number)
    raise ValueError(
      f'{scores.name} scores {number} classes without names; give scores for the'
      f' {len(annotations.actions)} classes in the list, or for all {_ALL_ACTIONS} ids'
    )
  place = {name: column for column, name in enumerate(scores.class_names.tolist())}
  missing = [name for name in annotations.class_names if name not in place]
  if missing:
    raise ValueError(
      f'{scores.name} lacks {len(missing)} of the {len(annotations.actions)} classes in'
      f' the list, such as {missing[0]!r}; give scores for every class'
    )
  return np.array([place[name] for name in annotations.class_names])


def _corners(boxes: list[PersonBox]) -> Float[np.ndarray, 'n 4']:
  """(x1, y1, x2, y2) as shares of the frame's width and height."""
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
    notes.append(f'{num_excluded} scored boxes on excluded seconds ignored')
  if true - scored:
    notes.append(f'{len(true - scored)} frames with true boxes have no scored box')
  return tuple(notes)
