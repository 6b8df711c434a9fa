"""What a run writes while it goes: `metrics.jsonl` and TensorBoard events.

The only place that imports clu.metric_writers, and with it TensorFlow.
"""

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

METRICS_FILE = 'metrics.jsonl'


class RunWriter:
  """Writes scalars, images and texts by step; a context manager.

  Scalars go to `metrics.jsonl`, a line `{"step": s, name: value, …}` for each call, and
  to TensorBoard; images and texts to TensorBoard alone. Without TensorFlow a run goes
  on, says so once, and keeps its `metrics.jsonl`.
  """

  def __init__(
    self, workdir: str | os.PathLike[str], *, enabled: bool, resume_step: int
  ):
    """Opens the files.

    Args:
      workdir: made where it is not there.
      enabled: on process 0 alone; otherwise every method does nothing.
      resume_step: steps done by the checkpoint that the run goes on from, 0 for a new
        start. What an earlier run logged beyond is dropped: it will come again.
    """
    self._lines = None
    self._tensorboard = None
    if not enabled:
      return
    workdir = pathlib.Path(workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / METRICS_FILE
    drop_lines_after(path, resume_step)
    self._tensorboard = _tensorboard_writer(workdir)
    self._lines = path.open('a', encoding='utf-8')

  def write_scalars(self, step: int, scalars: Mapping[str, Any]) -> None:
    """Numbers or 0-d arrays by name; a NaN or infinity is `null` in metrics.jsonl."""
    if self._lines is None:
      return
    if 'step' in scalars:
      raise ValueError("a scalar cannot be named 'step': metrics.jsonl has the step so")
    values = {name: np.asarray(value).item() for name, value in scalars.items()}
    line = {'step': int(step)} | {n: _finite_or_none(v) for n, v in values.items()}
    self._lines.write(json.dumps(line, allow_nan=False) + '\n')
    self._lines.flush()  # A kill loses at most the line being written.
    if self._tensorboard:
      self._tensorboard.write_scalars(int(step), values)

  def write_images(self, step: int, images: Mapping[str, np.ndarray]) -> None:
    """RGB images uint8 `[h, w, 3]` by name."""
    _check_images(images)
    if self._tensorboard:
      self._tensorboard.write_images(int(step), images)

  def write_text(self, step: int, texts: Mapping[str, str]) -> None:
    """Texts by name; TensorBoard reads Markdown."""
    if self._tensorboard:
      self._tensorboard.write_texts(int(step), texts)

  def flush(self) -> None:
    """Brings everything written so far to the files."""
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
  """Writes images of a run that is over, or goes on, to TensorBoard; a context manager.

  Give it a folder inside the workdir, which TensorBoard shows beside the run. In the
  workdir itself TensorBoard would go on to its events, and no longer read those of a
  run that still trains. Without TensorFlow it says so once, and does nothing.
  """

  def __init__(self, folder: str | os.PathLike[str]):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    self._tensorboard = _tensorboard_writer(folder, 'the picture files')

  def write_images(self, step: int, images: Mapping[str, np.ndarray]) -> None:
    """RGB images uint8 `[h, w, 3]` by name."""
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


def drop_lines_after(path: pathlib.Path, step: int) -> None:
  """Keeps the lines up to a step; none for step 0, which a new start logs again.

  A last line torn by a kill is dropped. The file changes whole or not at all.

  Raises:
    ValueError: at a broken line before the last, which no kill of ours can leave.
  """
  if not path.exists():
    return
  content = path.read_text('utf-8', errors='replace')  # A character may be torn too.
  lines = content.splitlines()
  kept = []
  for number, line in enumerate(lines, start=1):
    line_step = _step_of(line)
    if line_step is None and number < len(lines):
      raise ValueError(
        f'{path}, line {number}: {line[:80]!r} is not a JSON object with a "step";'
        ' repair the line or move the file away'
      )
    if line_step is not None and line_step <= step and step > 0:
      kept.append(f'{line}\n')
  if ''.join(kept) != content:
    atomic_files.write_text(path, ''.join(kept))


def _step_of(line: str) -> int | None:
  """The step of a line of metrics.jsonl; None where the line is broken."""
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
  """clu's TensorBoard writer; None, and a line that says so, without TensorFlow.

  `otherwise` says what there is without it.

  The plain SummaryWriter, not the AsyncWriter: TensorFlow queues events and writes them
  in a thread of its own, our scalars are on the host already, and an error is raised
  where it happens instead of at some later call.
  """
  # TensorFlow reads these when it is imported; it has nothing to say that matters here.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
  try:
    import tensorflow as tf
    from clu import metric_writers
  except ImportError as error:
    logging.warning(
      'No TensorBoard events, only %s: %s. To have them:'
      " pip install 'pose-action-jax[tensorboard]'",
      otherwise,
      error,
    )
    return None
  tf.config.set_visible_devices([], 'GPU')  # Or it takes the memory that JAX needs.
  return metric_writers.SummaryWriter(str(workdir))
