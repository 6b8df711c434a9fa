"""Predicts every clip of a split exactly once, with all its views, on all devices."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from input_pipeline.loading.kept_batches import KeptBatches
from input_pipeline.loading.loader import HostShare, evaluation_batches
from pose_action.runtime import sharding
from pose_action.training.evaluation_step import EvaluationOutput
from pose_action.training.run_data import RunData, Split
from pose_action.training.step import TrainingDiverged

_BATCHES_AHEAD = 3

# (variables, batch) → (prediction, index [b]), replicated.
EvaluationStep = Callable[[Any, Any], tuple[EvaluationOutput, jax.Array]]


class PredictionStopped(Exception):
  """A signal stopped the prediction of a split."""


def predict_split(
  variables: Any,
  split: Split,
  data: RunData,
  evaluation_step: EvaluationStep,
  mesh: Mesh,
  *,
  batch_size: int,
  num_views: int,
  poll: Callable[[], int] = lambda: 0,
  kept: KeptBatches | None = None,
) -> EvaluationOutput:
  """Predicts every clip of a split; numpy arrays in the split's order.

  Padding rows of the last batch are dropped by their index, so that the result does not
  depend on the batch size, the devices or the processes. `batch_size` is rounded up to a
  multiple of the number of devices.

  Args:
    poll: called after each batch; a number other than 0 stops the prediction.
    kept: keeps batches for further predictions of the split with the same settings.

  Raises:
    PredictionStopped: if `poll` says so.
    TrainingDiverged: if a score is not finite.
  """
  read = functools.partial(
    evaluation_batches,
    split.records,
    split.indices,
    data.clip_settings,
    batch_size=-(-batch_size // mesh.size) * mesh.size,
    num_views=num_views,
    host=HostShare(jax.process_index(), jax.process_count()),
    read_threads=data.read_threads,
  )
  outputs = []
  for batch in read() if kept is None else kept.of(split.name, read):
    outputs.append(evaluation_step(variables, sharding.global_batch(batch, mesh)))
    # The host reads ahead while the devices compute, but only by a few batches.
    if len(outputs) > _BATCHES_AHEAD:
      jax.block_until_ready(outputs[-_BATCHES_AHEAD])
    if poll():
      raise PredictionStopped
  return _in_order(outputs, split)


def _in_order(outputs: Sequence[tuple[Any, jax.Array]], split: Split) -> Any:
  """The outputs of all batches as one, in the split's order."""
  place = {int(index): row for row, index in enumerate(split.indices)}
  found = jax.device_get(outputs)
  index = np.concatenate([index for _, index in found])
  real = index >= 0
  rows = np.argsort([place[int(i)] for i in index[real]])
  prediction = jax.tree.map(
    lambda *parts: np.concatenate(parts)[real][rows], *(output for output, _ in found)
  )
  broken = int((~np.isfinite(prediction.probabilities)).any(axis=1).sum())
  if broken:
    raise TrainingDiverged(
      f'split {split.name!r}: the scores of {broken} of {len(rows)} clips are not'
      ' finite. Lower config.optimizer.learning_rate or set config.optimizer.clip_norm,'
      ' and train in a new workdir'
    )
  return prediction
