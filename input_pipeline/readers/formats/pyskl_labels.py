"""Labels of a skeleton pickle in other forms than PYSKL's class indices.

PYSKL's label is a class index, or a list of them. People also write names, numbers as
text or with a point, one-hot arrays, and -1 where a label is unknown. A form counts only
if all labels in the file have it, so that one broken label stays an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from input_pipeline.poses.notes import Note

Annotations = Mapping[str, Mapping[str, Any]]


class PlainLabels(NamedTuple):
  """Annotations whose labels are class indices.

  Attributes:
    annotations: by clip name; a clip without a label has no key 'label'.
    classes: names of the classes if the labels name them.
    notes: how the labels were read.
  """

  annotations: Annotations
  classes: tuple[str, ...] | None
  notes: tuple[Note, ...]


def plain_labels(
  annotations: Annotations, classes: Sequence[str] | None, where: str
) -> PlainLabels:
  """Turns labels into class indices if all of them have another known form.

  Args:
    classes: names of the classes if the file has them.
    where: file, for messages.
  """
  labels = [clip['label'] for clip in annotations.values() if _has_label(clip)]
  convert, what = None, ''
  if labels and all(isinstance(label, (str, bytes)) for label in labels):
    names = {_text(label) for label in labels}
    if classes is None and not all(name.isdecimal() for name in names):
      classes = sorted(names)
    if classes is None:
      convert, what = lambda label: int(_text(label)), 'class indices as text'
    elif names <= {*classes}:
      convert, what = _index_in(classes), 'class names'
  elif labels and all(map(_is_whole, labels)):
    convert, what = int, 'class indices as decimal numbers'
  elif labels and all(np.ndim(label) == 0 and label == -1 for label in labels):
    convert, what = lambda label: [], '-1, so the clips have no label'
  elif _are_one_hot(labels):
    single = all(np.sum(np.asarray(label)) == 1 for label in labels)
    classes = classes or [str(index) for index in range(len(labels[0]))]
    convert, what = _of_one_hot(single=single), 'rows of 0 and 1 with a place per class'
  if convert is None:
    return PlainLabels(annotations, None if classes is None else tuple(classes), ())
  changed = {
    name: {**clip, 'label': convert(clip['label'])} if _has_label(clip) else clip
    for name, clip in annotations.items()
  }
  note = Note('labels_converted', f'{where}: labels are {what}', is_warning=False)
  return PlainLabels(changed, None if classes is None else tuple(classes), (note,))


def _has_label(clip: Mapping[str, Any]) -> bool:
  return clip.get('label') is not None


def _index_in(classes: Sequence[str]) -> Callable[[Any], int]:
  names = list(classes)
  return lambda label: names.index(_text(label))


def _text(label: Any) -> str:
  return label.decode('utf-8', 'replace') if isinstance(label, bytes) else str(label)


def _is_whole(label: Any) -> bool:
  return isinstance(label, (float, np.floating)) and float(label).is_integer()


def _are_one_hot(labels: Sequence[Any]) -> bool:
  """Whether labels are rows of 0 and 1, and so no lists of indices.

  A list of indices has no index twice, which three or more numbers of 0 and 1 have.
  """
  try:
    rows = np.asarray(labels)
  except ValueError:  # Of different lengths.
    return False
  if rows.ndim != 2 or rows.dtype.kind not in 'iufb' or not np.isin(rows, (0, 1)).all():
    return False
  return rows.shape[1] > 2 or (rows.shape[1] == 2 and rows.dtype.kind == 'f')


def _of_one_hot(*, single: bool) -> Callable[[Any], int | list[int]]:
  def convert(label: Any) -> int | list[int]:
    found = np.flatnonzero(label).tolist()
    return found[0] if single else found

  return convert
