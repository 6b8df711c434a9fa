"""Writes predictions to files; the file's suffix chooses the form."""

from __future__ import annotations

import csv
import errno
import functools
import io
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_action.host import atomic_files
from pose_action.host.progress import Report
from pose_action.host.user_paths import user_path
from pose_action.inference import seen

if TYPE_CHECKING:
  from pose_action.inference.prediction import Prediction

Writer = Callable[[pathlib.Path, 'Sequence[Prediction]'], None]


def check_output(path: str | os.PathLike[str]) -> Writer:
  """The writer for a file, before there is anything to write.

  Raises:
    ValueError: if there is none for its suffix.
    OSError: if it cannot be written there.
    MissingExtraError: if a library for it is not installed.
  """
  file = user_path(path)
  if file.suffix.lower() not in WRITERS:
    raise ValueError(
      f'{os.fspath(path)} ends in {file.suffix or "no suffix"!r}, but predictions are'
      f' written to files *{", *".join(WRITERS)}; choose one of these'
    )
  if not file.absolute().parent.is_dir():
    raise FileNotFoundError(
      f'{os.fspath(path)} cannot be written: there is no folder {file.absolute().parent}'
    )
  if file.is_dir():
    raise IsADirectoryError(f'{os.fspath(path)} is a folder; give the name of a file')
  if not os.access(file.absolute().parent, os.W_OK):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
  seen.check_libraries(file.suffix.lower())
  return WRITERS[file.suffix.lower()]


def save_predictions(
  path: str | os.PathLike[str],
  predictions: Sequence[Prediction],
  progress: Report | None = None,
):
  """Writes predictions by one model, in the form that the file's suffix names.

  Args:
    progress: receives a line about once per second while a file to look at is written.

  Raises:
    ValueError: if there is no writer for the suffix, nothing to write, or the classes
      differ.
    OSError: if the file cannot be written there.
  """
  write = check_output(path)
  if not predictions:
    raise ValueError(f'there is no prediction to write to {os.fspath(path)}')
  if len({one.class_names for one in predictions}) > 1:
    raise ValueError(
      'the predictions have different classes; save those of each model by themselves'
    )
  if write is seen.write_predictions:
    write = functools.partial(seen.write_predictions, progress=progress)
  write(user_path(path), predictions)


def as_dict(one: Prediction) -> dict[str, Any]:
  """A prediction as JSON-ready fields; what is unknown is left out."""
  probabilities = dict(
    zip(one.class_names, map(_number, one.probabilities), strict=True)
  )
  fields: dict[str, Any] = {
    'source': one.source,
    'clip': one.video_id,
    'labels': list(one.labels),
    'label': one.label,
    'probability': _number(one.probabilities.max()),
    'probabilities': probabilities,
    'joint_weights': {name: _number(weight) for name, weight in one.top_joints()},
    'members': {
      name: dict(zip(one.class_names, map(_number, own), strict=True))
      for name, own in one.members.items()
    },
  }
  return {name: value for name, value in fields.items() if value not in ('', [], {})}


def _write_json(path: pathlib.Path, predictions: Sequence[Prediction]):
  atomic_files.write_json(
    path,
    {
      'class_names': list(predictions[0].class_names),
      'multi_label': predictions[0].multi_label,
      'predictions': [as_dict(one) for one in predictions],
    },
  )


def _write_csv(path: pathlib.Path, predictions: Sequence[Prediction]):
  """One row per clip: names, labels, the first class, and every class's probability."""
  table = io.StringIO()
  writer = csv.writer(table, lineterminator='\n')
  classes = predictions[0].class_names
  weighs = predictions[0].joint_weights is not None
  joints = predictions[0].joints if weighs else ()
  writer.writerow(
    ['source', 'clip', 'labels', 'label', 'probability']
    + [f'p({name})' for name in classes]
    + [f'weight({name})' for name in joints]
  )
  for one in predictions:
    weights = one.joint_weights if one.joint_weights is not None else ()
    writer.writerow(
      [
        *(one.source, one.video_id, ';'.join(one.labels)),
        *(one.label, _number(one.probabilities.max())),
        *map(_number, one.probabilities),
        *map(_number, weights),
      ]
    )
  atomic_files.write_text(path, table.getvalue())


def _write_npz(path: pathlib.Path, predictions: Sequence[Prediction]):
  """As a run's `scores_<split>.npz`; labels only if every clip has them."""
  classes = predictions[0].class_names
  arrays: dict[str, Any] = {
    'video_ids': np.array(_unique_names(predictions), np.str_),
    'scores': np.stack([one.probabilities for one in predictions]).astype(np.float32),
    'class_names': np.array(classes, np.str_),
  }
  labels = [[classes.index(name) for name in one.labels] for one in predictions]
  if predictions[0].multi_label and any(labels):
    hot = np.zeros((len(labels), len(classes)), np.uint8)
    for row, own in zip(hot, labels, strict=True):
      row[own] = 1
    arrays['labels'] = hot
  elif all(len(own) == 1 for own in labels):
    arrays['labels'] = np.array([own[0] for own in labels], np.int32)
  if predictions[0].joint_weights is not None:
    arrays['joints'] = np.array(predictions[0].joints, np.str_)
    arrays['joint_weights'] = np.stack(
      [np.asarray(one.joint_weights, np.float32) for one in predictions]
    )
  content = io.BytesIO()
  np.savez(content, **arrays)
  atomic_files.write_bytes(path, content.getvalue())


def _unique_names(predictions: Sequence[Prediction]) -> list[str]:
  """Clip names; with the source before them if two sources have clips of one name."""
  names = [one.video_id for one in predictions]
  if len(set(names)) == len(names):
    return names
  return [f'{one.source}/{one.video_id}' for one in predictions]


def _number(value: Any) -> float:
  """A float32 with as many digits as it has."""
  return float(f'{float(value):.7g}')


# The writer of each kind of file. Another form of output is one more line here.
WRITERS: dict[str, Writer] = {
  '.csv': _write_csv,
  '.json': _write_json,
  '.npz': _write_npz,
  **dict.fromkeys(seen.KINDS, seen.write_predictions),
}
