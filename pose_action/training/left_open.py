"""What a stop between two saves leaves open, so that the resumed run continues exactly.

A regular save comes after the log and the evaluation of its step. A stop comes at any
step, perhaps in the middle of an evaluation.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np

from pose_action.runtime import sharding
from pose_action.training.checkpoint_digests import CheckpointError, named, whole
from pose_action.training.program import Program
from pose_action.training.step_metrics import TrainMetrics


@dataclasses.dataclass(frozen=True)
class LeftOpen:
  """What is still to do at the step of a checkpoint.

  Attributes:
    metrics: the sums since the last log, by name: dtype, shape and bytes in hexadecimal.
    evaluation: whether the step's evaluation is not finished.
  """

  metrics: dict[str, tuple[str, list[int], str]]
  evaluation: bool = False

  @classmethod
  def at(cls, metrics: TrainMetrics, *, evaluation: bool) -> LeftOpen:
    arrays = {name: whole(leaf) for name, leaf in named(metrics).items()}
    return cls(
      {n: (str(a.dtype), list(a.shape), a.tobytes().hex()) for n, a in arrays.items()},
      evaluation,
    )

  def to_dict(self) -> dict[str, Any]:
    return {
      'metrics': {name: list(saved) for name, saved in self.metrics.items()},
      'evaluation': self.evaluation,
    }

  def restored_metrics(self, program: Program) -> TrainMetrics:
    """The sums on the devices."""
    empty = program.empty_metrics()
    try:
      arrays = [self._array(name) for name in named(empty)]
    except (KeyError, TypeError, ValueError) as error:
      raise CheckpointError(
        f'what a stop left open in the checkpoint cannot be read ({error!r}); delete its'
        ' folder left_open, which costs the figures of one line of the log'
      ) from error
    tree = jax.tree.unflatten(jax.tree.structure(empty), arrays)
    return sharding.replicate(tree, program.mesh)

  def _array(self, name: str) -> np.ndarray:
    dtype, shape, numbers = self.metrics[name]
    return np.frombuffer(bytes.fromhex(numbers), dtype).reshape(shape)
