"""The moving average of a run's parameters, and which weights a run is judged by."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
from jaxtyping import Array, Float, Int

WEIGHTS = ('last', 'average')


def check_averaging(config: ml_collections.ConfigDict):
  """Raises ValueError for an invalid `train.average_decay` or `eval.weights`."""
  decay, weights = config.train.average_decay, config.eval.weights
  if not 0 <= decay < 1:
    raise ValueError(
      f'config.train.average_decay is {decay}; it is the share of the average that each'
      ' step keeps, at least 0 (off) and below 1, such as 0.99'
    )
  if weights not in WEIGHTS:
    raise ValueError(f"config.eval.weights is {weights!r}; give 'last' or 'average'")
  if weights == 'average' and not decay:
    raise ValueError(
      "config.eval.weights is 'average', but config.train.average_decay is 0, so no"
      ' average is kept; set config.train.average_decay, such as 0.99, or'
      " config.eval.weights to 'last'"
    )


def decay_at(step: Int[Array, ''], decay: float) -> Float[Array, '']:
  """The decay at step s: min(decay, (1 + s) / (10 + s)).

  The rise lets the average forget the random initial parameters (our choice, same as the
  TensorFlow class ExponentialMovingAverage with `num_updates`).

  Args:
    step: 0 for the first update.
  """
  count = step.astype(jnp.float32)
  return jnp.minimum(jnp.float32(decay), (1 + count) / (10 + count))


def updated_average(
  average: Any, params: Any, step: Int[Array, ''], decay: float
) -> Any:
  """The average after a step: decay · average + (1 - decay) · params.

  Args:
    average: the average before the step; None if none is kept, and then so is the result.
    params: the parameters after the step.
  """
  if average is None:
    return None
  kept = decay_at(step, decay)
  return jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, average, params)
