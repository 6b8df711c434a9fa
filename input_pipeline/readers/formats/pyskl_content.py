"""What a skeleton pickle says about its clips: names, classes and splits.

A published pickle is read as PYSKL reads it: `frame_dir` (or `filename`, in older files)
names a clip, and names in a split without an annotation are skipped. One unusable
annotation refuses no others.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from input_pipeline.annotations.faulty_lines import Faults
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files import safe_pickle
from input_pipeline.readers.formats.pyskl_labels import PlainLabels, plain_labels

_KEYS = ('frame_dir', 'filename')
_LISTS = (list, tuple, set, frozenset, np.ndarray)
_NAMED = 5  # Largest number of clip names in a note.
# A larger label is no class index, and would make as many class names (our choice).
_MOST_CLASSES = 1 << 16


@dataclasses.dataclass(frozen=True)
class Content:
  """The content of a pickle, without a look at the poses.

  Attributes:
    annotations: the annotations by clip name.
    refused: why a clip cannot be used, by clip name.
    class_names: names by class index.
    splits: clip names by split.
    multi_label: whether a label is a list.
    notes: what was doubtful.
  """

  annotations: Mapping[str, Mapping[str, Any]]
  refused: Mapping[str, str]
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  multi_label: bool
  notes: tuple[Note, ...]


def read_content(path: pathlib.Path) -> Content:
  """Reads a pickle.

  Raises:
    PoseDataError: if the file is malformed, hardly an annotation can be used, or no split
      has an annotated clip.
  """
  content = safe_pickle.load(path)
  if isinstance(content, list):
    content = {'annotations': content}
  if not isinstance(content, dict) or not isinstance(content.get('annotations'), list):
    raise PoseDataError(
      f"{path} is not a PYSKL pickle: expected a dict with a list 'annotations', got"
      f' {_describe(content)}'
    )
  annotations, refused, notes = _by_name(content['annotations'], path)
  splits, split_notes = _splits(content.get('split'), annotations, path)
  annotations, named, label_notes = _plain_labels(content, annotations, path)
  return Content(
    annotations=annotations,
    refused=refused,
    class_names=_class_names(named, annotations),
    splits=splits,
    multi_label=any(_is_list(clip.get('label')) for clip in annotations.values()),
    notes=(*notes, *split_notes, *label_notes),
  )


def _plain_labels(
  content: Mapping[str, Any], annotations: Mapping[str, Any], path: pathlib.Path
) -> PlainLabels:
  classes = content.get('classes')
  if classes is not None:
    if not isinstance(classes, _LISTS):
      raise PoseDataError(
        f"'classes' in {path} is a {type(classes).__name__}, but must be a list of class"
        ' names'
      )
    classes = [*map(_text, classes)]
  try:
    return plain_labels(annotations, classes, str(path))
  except ValueError:  # A malformed label, whose clip raises it when it is loaded.
    return PlainLabels(annotations, None if classes is None else tuple(classes), ())


def labels_of(annotation: Mapping[str, Any]) -> tuple[int, ...]:
  """The class indices of a clip; none if it has no label.

  Raises:
    PoseDataError: if the label is neither an index nor a list of indices.
  """
  label = annotation.get('label')
  try:
    labels = np.atleast_1d(np.zeros(0, np.int64) if label is None else label)
  except ValueError as error:  # Lists of different lengths, or nested deeply.
    raise PoseDataError(f'label is not a list of class indices: {error}') from error
  integers = np.issubdtype(labels.dtype, np.integer) or not labels.size
  if labels.ndim != 1 or not integers:
    raise PoseDataError(
      f'label is {annotation["label"]!r}, but must be a class index or a list of class'
      ' indices'
    )
  return tuple(int(label) for label in labels)


def name_of(annotation: Mapping[str, Any]) -> str:
  """The clip's name; '' if the annotation has none."""
  return next((_text(annotation[key]) for key in _KEYS if key in annotation), '')


def _text(name: Any) -> str:
  """A name as text; Python 2 wrote bytes."""
  return name.decode('utf-8', 'replace') if isinstance(name, bytes) else str(name)


def _by_name(
  annotations: Sequence[Any], path: pathlib.Path
) -> tuple[dict[str, Any], dict[str, str], tuple[Note, ...]]:
  """Annotations by clip name, refused clips, and notes."""
  faults = Faults(path, of='annotations', item='annotation')
  clips: dict[str, Any] = {}
  refused: dict[str, str] = {}
  for index, annotation in enumerate(annotations):
    faults.count()
    if not isinstance(annotation, dict) or not name_of(annotation):
      faults.add(
        index,
        '',
        "left out, because it has no 'frame_dir', which names the clip, but is"
        f' {_describe(annotation)}',
      )
      continue
    name = name_of(annotation)
    if name not in clips:
      clips[name] = annotation
    elif _are_equal(clips[name], annotation):
      faults.add(index, name, 'left out, because it repeats an earlier annotation')
    else:
      refused[name] = f'it has two different annotations in {path}; keep one'
  return clips, refused, faults.notes()


def _are_equal(first: Any, second: Any) -> bool:
  if isinstance(first, dict) or isinstance(second, dict):
    if not isinstance(first, dict) or not isinstance(second, dict):
      return False
    return first.keys() == second.keys() and all(
      _are_equal(first[key], second[key]) for key in first
    )
  try:
    return bool(np.array_equal(np.asarray(first), np.asarray(second)))
  except (TypeError, ValueError):  # Ragged lists.
    return False


def _class_names(
  named: tuple[str, ...] | None, annotations: Mapping[str, Any]
) -> tuple[str, ...]:
  if named is not None:
    return named
  largest = -1
  for annotation in annotations.values():
    try:
      labels = labels_of(annotation)
    except PoseDataError:  # Raised again when the clip is loaded.
      continue
    largest = max(largest, *(label for label in labels if label < _MOST_CLASSES), -1)
  return tuple(str(label) for label in range(largest + 1))


def _splits(
  split: Any, annotations: Mapping[str, Any], path: pathlib.Path
) -> tuple[dict[str, tuple[str, ...]], list[Note]]:
  if split is None:
    return {'all': tuple(annotations)}, []
  if not isinstance(split, dict) or not all(
    isinstance(v, _LISTS) for v in split.values()
  ):
    raise PoseDataError(
      f"'split' in {path} must be a dict from split names to lists of clip names, got"
      f' {_describe(split)}'
    )
  splits: dict[str, tuple[str, ...]] = {}
  absent: list[str] = []
  repeated: list[str] = []
  for key, values in split.items():
    names = [_text(value) for value in _ordered(values)]
    unique = dict.fromkeys(names)
    found = tuple(name for name in unique if name in annotations)
    if len(unique) < len(names):
      repeated.append(f'{len(names) - len(unique)} in {_text(key)!r}')
    if len(found) < len(unique):
      missing = [name for name in unique if name not in annotations]
      absent.append(_absence(_text(key), missing, len(unique)))
    if found or not names:
      splits[_text(key)] = found
  if absent and not any(splits.values()):
    raise PoseDataError(
      f'{path}: no split has an annotated clip: {"; ".join(absent)}; its annotations are'
      f' of {_listed(list(annotations)) or "no clip"}'
    )
  notes = (
    [Note('split_without_clips', f'{path}: {"; ".join(absent)}')] if absent else []
  )
  if repeated:
    notes.append(
      Note(
        'clips_named_twice',
        f'{path}: splits name a clip twice, which is counted once: {", ".join(repeated)}',
      )
    )
  return splits, notes


def _ordered(names: Any) -> Any:
  """A set has another order in each process."""
  return sorted(names, key=_text) if isinstance(names, (set, frozenset)) else names


def _absence(split: str, missing: Sequence[str], number: int) -> str:
  left_out = 'the split is' if len(missing) == number else 'they are'
  return (
    f'{len(missing)} of {number} clips in split {split!r} have no annotation, so'
    f' {left_out} left out: {_listed(missing)}'
  )


def _listed(names: Sequence[str]) -> str:
  return ', '.join(names[:_NAMED]) + (', …' if len(names) > _NAMED else '')


def _is_list(label: Any) -> bool:
  return isinstance(label, (list, tuple)) or np.ndim(label) > 0


def _describe(value: Any) -> str:
  if isinstance(value, dict):
    return f'a dict with {", ".join(map(repr, value)) or "no keys"}'
  return f'a {type(value).__name__}'
