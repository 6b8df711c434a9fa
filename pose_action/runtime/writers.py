"""Writes `metrics.jsonl` and TensorBoard events during a run."""

from __future__ import annotations

import json
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from pose_action.host import atomic_files
from pose_action.host.user_paths import user_path
from pose_action.runtime import event_files
from pose_action.runtime.event_writer import EventWriter

METRICS_FILE = 'metrics.jsonl'
FINAL = (
  'joint_weights/'  # What the names of the final evaluation's pictures begin with.
)
EVALUATION = 'validation/'  # What the names of an evaluation's figures begin with.


class RunWriter:
  """Writes scalars, images and texts by step; a context manager.

  Scalars go to TensorBoard and to `metrics.jsonl`, one line `{"step": s, name: value, …}`
  per call. Images and texts go to TensorBoard only. Without TensorBoard it warns once and
  writes only `metrics.jsonl`.
  """

  def __init__(
    self,
    workdir: str | os.PathLike[str],
    *,
    enabled: bool,
    resume_step: int,
    evaluates_again: bool = False,
  ):
    """Opens the files.

    Args:
      workdir: created if missing.
      enabled: True on process 0 only; otherwise every method does nothing.
      resume_step: the step of the checkpoint that the run resumes from, 0 for a new run.
        Later lines and events of an earlier run are dropped: they will be logged again.
      evaluates_again: whether the run begins with the evaluation of that step.
    """
    self._lines = None
    self._tensorboard = None
    if not enabled:
      return
    workdir = user_path(workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / METRICS_FILE
    drop_lines_after(path, resume_step, evaluates_again=evaluates_again)
    drop_events_after(workdir, resume_step, evaluates_again=evaluates_again)
    self._tensorboard = _tensorboard_writer(workdir)
    self._lines = path.open('a', encoding='utf-8')

  def write_scalars(self, step: int, scalars: Mapping[str, Any]) -> None:
    """Writes numbers or 0-d arrays by name; NaN and infinity become `null` in JSON."""
    if self._lines is None:
      return
    if 'step' in scalars:
      raise ValueError(
        "a scalar cannot be named 'step', which metrics.jsonl uses; give another name"
      )
    values = {name: np.asarray(value).item() for name, value in scalars.items()}
    line = {'step': int(step)} | {n: _finite_or_none(v) for n, v in values.items()}
    self._lines.write(json.dumps(line, allow_nan=False) + '\n')
    self._lines.flush()  # A kill loses at most the line being written.
    if self._tensorboard:
      self._tensorboard.write_scalars(int(step), values)

  def write_images(self, step: int, images: Mapping[str, np.ndarray]) -> None:
    """Writes RGB images, uint8 `[h, w, 3]`, by name."""
    _check_images(images)
    if self._tensorboard:
      self._tensorboard.write_images(int(step), images)

  def write_text(self, step: int, texts: Mapping[str, str]) -> None:
    """Writes Markdown texts by name."""
    if self._tensorboard:
      self._tensorboard.write_texts(int(step), texts)

  def flush(self) -> None:
    """Flushes everything written so far to the files."""
    if self._lines is not None:
      self._lines.flush()
    if self._tensorboard:
      self._tensorboard.flush()

  def close(self) -> None:
    if self._lines is not None:
      self._lines.close()
    if self._tensorboard:
      self._tensorboard.close()

  def __enter__(self) -> RunWriter:
    return self

  def __exit__(self, *exception) -> None:
    self.close()


class PictureWriter:
  """Writes images of any run, finished or training, to TensorBoard; a context manager.

  Give it a folder inside the workdir, which TensorBoard shows beside the run. If its
  events were in the workdir itself, TensorBoard would read them and no longer those of a
  run that still trains. Without TensorBoard it warns once and does nothing.
  """

  def __init__(self, folder: str | os.PathLike[str]):
    folder = user_path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    self._tensorboard = _tensorboard_writer(folder, 'the picture files')

  def write_images(self, step: int, images: Mapping[str, np.ndarray]) -> None:
    """Writes RGB images, uint8 `[h, w, 3]`, by name."""
    _check_images(images)
    if self._tensorboard:
      self._tensorboard.write_images(int(step), images)

  def close(self) -> None:
    if self._tensorboard:
      self._tensorboard.close()

  def __enter__(self) -> PictureWriter:
    return self

  def __exit__(self, *exception) -> None:
    self.close()


def drop_lines_after(
  path: pathlib.Path, step: int, *, evaluates_again: bool = False
) -> None:
  """Keeps the lines up to a step; for step 0, a new run, it drops all lines.

  With `evaluates_again` it also drops the step's own evaluation.

  It also drops a last line that a kill left incomplete. The file is replaced atomically.

  Raises:
    ValueError: for an invalid line before the last, which a kill cannot cause.
  """
  if not path.exists():
    return
  content = path.read_text(
    'utf-8', errors='replace'
  )  # A character may be incomplete too.
  lines = content.splitlines()
  kept = []
  for number, line in enumerate(lines, start=1):
    line_step = _step_of(line)
    if line_step is None and number < len(lines):
      raise ValueError(
        f'{path}, line {number}: {line[:80]!r} is not a JSON object with a "step";'
        ' repair the line or move the file away'
      )
    again = evaluates_again and line_step == step and f'"{EVALUATION}' in line
    if line_step is not None and line_step <= step and step > 0 and not again:
      kept.append(f'{line}\n')
  if ''.join(kept) != content:
    atomic_files.write_text(path, ''.join(kept))


def drop_events_after(
  workdir: pathlib.Path, step: int, *, evaluates_again: bool = False
) -> None:
  """Keeps the TensorBoard events that `drop_lines_after` would keep.

  Pictures of the final evaluation go in any case: every run ends with that evaluation.
  """

  def drops(event_step: int, event: bytes) -> bool:
    if step == 0 or event_step > step or FINAL.encode() in event:
      return True
    return evaluates_again and event_step == step and EVALUATION.encode() in event

  event_files.drop_events(workdir, drops)


def _step_of(line: str) -> int | None:
  """The step of a line in metrics.jsonl; None if the line is invalid."""
  try:
    values = json.loads(line)
  except json.JSONDecodeError:
    return None
  step = values.get('step') if isinstance(values, dict) else None
  return step if isinstance(step, int) else None


def _check_images(images: Mapping[str, np.ndarray]):
  for name, image in images.items():
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
      raise ValueError(
        f'image {name!r} is {image.dtype} {image.shape}, but must be uint8 [h, w, 3]'
      )


def _finite_or_none(value: float) -> float | None:
  return value if math.isfinite(value) else None


def _tensorboard_writer(workdir: pathlib.Path, otherwise: str = METRICS_FILE):
  """The writer of event files; without TensorBoard it warns and returns None.

  Args:
    otherwise: what is still written without TensorBoard, for the warning.
  """
  try:
    return EventWriter(workdir)
  except ImportError as error:
    logging.warning(
      'No TensorBoard events, only %s: %s. To get them:'
      " pip install 'pose-action-jax[tensorboard]'",
      otherwise,
      error,
    )
    return None
