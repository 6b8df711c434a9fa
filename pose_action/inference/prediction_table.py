"""Predictions as lines of a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pose_action.inference.prediction import NONE_OF_THESE, Prediction

_LONGEST_NAME = 40  # Characters of a clip's name, if others are no longer (our choice).
_JOINTS = 3  # Joints in a row; files hold all of them (our choice).


class PredictionTable:
  """Makes rows of equal layout for predictions that come batch by batch.

  Args:
    video_ids: names that will come, which set the width of the first column.
    class_names: the model's.
    top: how many classes per clip.
  """

  def __init__(self, video_ids: Sequence[str], class_names: Sequence[str], top: int):
    self._top = min(top, len(class_names))
    longest = max(map(len, video_ids), default=0)
    self._name = max(len('clip'), min(longest, _LONGEST_NAME))
    self._class = max(map(len, class_names)) + len(' 100.0%')
    self._label = max(len('labelled'), *map(len, class_names))
    self._has_heading = False

  def rows(self, predictions: Sequence[Prediction]) -> Iterator[str]:
    """The lines of some predictions, after a heading if they are the first."""
    if predictions and not self._has_heading:
      self._has_heading = True
      yield self._heading(predictions[0])
    for one in predictions:
      yield self._row(one)

  def _heading(self, one: Prediction) -> str:
    ranks = [f'{rank}.' for rank in range(1, self._top + 1)]
    ends = [
      text
      for text, has in (
        ('members (first class)', one.members),
        ('joints that counted', one.joint_weights is not None),
      )
      if has
    ]
    return self._line('clip', 'labelled', ranks, ends)

  def _row(self, one: Prediction) -> str:
    width = self._class - len(' 100.0%')
    ranks = [f'{name:<{width}} {share:6.1%}' for name, share in one.top(self._top)]
    ends = []
    if one.label == NONE_OF_THESE:
      ends.append(f'{NONE_OF_THESE} (all below {one.threshold:.1%})')
    if one.members:
      ends.append(', '.join(f'{name} {p:.2f}' for name, p in one.of_members()))
    if joints := one.top_joints(_JOINTS):
      ends.append(', '.join(f'{name} {weight:.2f}' for name, weight in joints))
    return self._line(one.video_id, ', '.join(one.labels) or '-', ranks, ends)

  def _line(
    self, name: str, label: str, ranks: Sequence[str], ends: Sequence[str]
  ) -> str:
    cells = [name.ljust(self._name), label.ljust(self._label)]
    cells += [cell.ljust(self._class) for cell in ranks]
    return '  '.join([*cells, *ends]).rstrip()


def summary(predictions: Sequence[Prediction]) -> str | None:
  """How many labelled clips were recognised; None if no clip has exactly one label."""
  labelled = [one for one in predictions if len(one.labels) == 1]
  if not labelled or labelled[0].multi_label:
    return None
  right = sum(one.label == one.labels[0] for one in labelled)
  share = right / len(labelled)
  return (
    f'{right} of {len(labelled)} labelled clips are predicted as labelled ({share:.1%})'
  )
