"""How a network in PyTorch is run beside ours: one update, or one prediction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from benchmarks.beside_torch import Execution, InputBatch, Side


def prepared(model: Any, execution: Execution) -> Any:
  """The model on the device, channels last, compiled if asked."""
  model = model.to(execution.device, memory_format=torch.channels_last)
  return torch.compile(model) if execution.compiled else model


def updates(
  model: Any,
  optimizer: Any,
  loss_of: Callable[[Any, Any], Any],
  execution: Execution,
) -> Side:
  """Updates of a model.

  Args:
    model: prepared.
    optimizer: of the model's parameters.
    loss_of: from a batch's maps and classes, both on the device.
    execution: on other devices than CPUs an update returns before it has finished.
  """
  tensors = _Tensors(execution)

  def train(batch: InputBatch):
    """One update."""
    optimizer.zero_grad()
    with _precision(execution):
      loss = loss_of(*tensors.of(batch))
    loss.backward()
    optimizer.step()

  model.train()
  return train


def predictions(model: Any, read: Callable[[Any], Any], execution: Execution) -> Side:
  """Forward passes of a model, prepared; `read` makes its input from a batch's maps."""
  tensors = _Tensors(execution)
  model.eval()

  def predict(batch: InputBatch):
    """One forward pass."""
    with torch.inference_mode(), _precision(execution):
      model(read(tensors.of(batch)[0]))

  return predict


class _Tensors:
  """Maps and classes of batches on the device, copied the first time a batch comes."""

  def __init__(self, execution: Execution):
    self._device = execution.device
    self._held: dict[int, tuple[Any, Any]] = {}

  def of(self, batch: InputBatch) -> tuple[Any, Any]:
    if id(batch) not in self._held:
      maps = torch.from_numpy(np.array(batch.maps))  # JAX's arrays are read-only.
      classes = torch.from_numpy(batch.labels.astype(np.int64))
      self._held[id(batch)] = maps.to(self._device), classes.to(self._device)
    return self._held[id(batch)]


def _precision(execution: Execution) -> contextlib.AbstractContextManager[object]:
  if execution.bfloat16:
    return torch.autocast(execution.device, torch.bfloat16)
  return contextlib.nullcontext()
