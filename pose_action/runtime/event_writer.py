"""Writes TensorBoard event files with TensorBoard's own messages, without TensorFlow.

`clu.metric_writers` and `tensorboard.summary.writer.EventFileWriter` both import
TensorFlow where it is installed, which takes longer than all other imports of a run.
"""

from __future__ import annotations

import io
import itertools
import os
import pathlib
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

_FILE_VERSION = 'brain.Event:2'  # Every event file begins with it.
_numbers = itertools.count()


class EventWriter:
  """Writes one event file; its methods are those of `clu.metric_writers.MetricWriter`.

  Every call leaves whole events in the file, so that a kill loses none.

  Example:
    writer = EventWriter(workdir)
    writer.write_scalars(10, {'loss': 0.5})
    writer.close()
  """

  def __init__(self, folder: pathlib.Path):
    """Makes an event file with a new name in an existing folder.

    Raises:
      ImportError: if TensorBoard is not installed.
    """
    from tensorboard.compat.proto import event_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter

    # The class is generated when the module is imported.
    self._event: Any = event_pb2.Event  # pyright: ignore
    name = (
      f'events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}'
      f'.{os.getpid()}.{next(_numbers):03d}.v2'
    )
    # TensorBoard reads a folder's event files in the order of their names.
    self._records = RecordWriter((folder / name).open('xb'))
    self._write(file_version=_FILE_VERSION)

  def write_scalars(self, step: int, scalars: Mapping[str, float]) -> None:
    """Writes numbers by name."""
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    self._write_summaries(step, (scalar_pb(n, v) for n, v in scalars.items()))

  def write_images(self, step: int, images: Mapping[str, np.ndarray]) -> None:
    """Writes RGB images, uint8 `[h, w, 3]`, by name."""
    self._write_summaries(step, (_image_summary(n, i) for n, i in images.items()))

  def write_texts(self, step: int, texts: Mapping[str, str]) -> None:
    """Writes Markdown texts by name."""
    from tensorboard.plugins.text.summary_v2 import text_pb

    self._write_summaries(step, (text_pb(n, t) for n, t in texts.items()))

  def flush(self) -> None:
    self._records.flush()

  def close(self) -> None:
    self._records.close()

  def _write_summaries(self, step: int, summaries: Iterable[Any]):
    for summary in summaries:
      self._write(step=step, summary=summary)

  def _write(self, **fields: Any):
    event = self._event(wall_time=time.time(), **fields)
    self._records.write(event.SerializeToString())
    self._records.flush()


def _image_summary(name: str, image: np.ndarray) -> Any:
  """The summary that TensorBoard's pictures page shows: width, height and a PNG."""
  from PIL import Image  # TensorBoard needs it too.
  from tensorboard.compat.proto import summary_pb2
  from tensorboard.plugins.image import metadata as image_metadata
  from tensorboard.util import tensor_util

  height, width = image.shape[:2]
  png = io.BytesIO()
  Image.fromarray(image).save(png, format='png')
  summary = summary_pb2.Summary()  # pyright: ignore
  summary.value.add(
    tag=name,
    metadata=image_metadata.create_summary_metadata(None, None),
    tensor=tensor_util.make_tensor_proto(
      [str(width).encode(), str(height).encode(), png.getvalue()], dtype=np.object_
    ),
  )
  return summary
