"""The plan of windows for JMRN's encoder, from a run's own training clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import ml_collections
import numpy as np

from input_pipeline.loading.loader import training_batches
from input_pipeline.model_input import batch_input
from jmrn_jax import window_plan
from jmrn_jax.model import ENCODERS
from pose_action.training.run_data import RunData

_CLIPS, _ROWS = 128, 32  # Ours: clips that are measured, and how many at a time.


def with_window_plan(
  config: ml_collections.ConfigDict, data: RunData, report: Callable[[str], object]
) -> ml_collections.ConfigDict:
  """The config with `model.windows`, if `model.encoder` may use them.

  The plan depends only on the clips and the config, so that a resumed run makes the same
  one. It is saved with the run, for predictions.

  Raises:
    ValueError: for an unknown `config.model.encoder`, or one that does not fit.
  """
  model = config.model
  if model.get('name') != 'jmrn' or model.get('encoder', 'dense') == 'dense':
    return config
  _check(model)
  if model.encoder == 'auto' and (jax.default_backend() != 'cpu' or not model.siamese):
    return config
  plan = tuple(model.windows) or window_plan.make_plan(
    measured_needs(data), tuple(config.data.map_size), tuple(model.features)
  )
  report(window_line(plan))
  if model.dropout:
    report('in training the joint encoder is dense: config.model.dropout is above 0')
  config = ml_collections.ConfigDict(config.to_dict())
  config.model.windows = plan
  return config.lock()


def measured_needs(data: RunData) -> np.ndarray:
  """`Supports.need` `[b, j]` of training clips, sampled and augmented as in training."""
  indices = data.train.indices
  batches = training_batches(
    data.train.records,
    indices,
    data.clip_settings,
    batch_size=min(_ROWS, len(indices)),
    seed=0,
    read_threads=data.read_threads,
  )

  @jax.jit
  def measure(batch, key):
    maps = batch_input(
      batch,
      key,
      skeleton=data.skeleton,
      settings=data.map_settings,
      augmentation=data.augment_settings,
    )
    assert not isinstance(maps, dict)  # JMRN reads one kind of maps.
    return window_plan.supports(maps).need

  needs = [
    measure(next(batches), jax.random.key(number))
    for number in range(-(-min(_CLIPS, len(indices)) // _ROWS))
  ]
  return np.concatenate(jax.device_get(needs))


def window_line(plan: Sequence[tuple[int, float, float]]) -> str:
  """What a run says about its plan."""
  if not plan:
    return "the joint encoder is dense: windows on these clips' motions save no work"
  sizes = ', '.join(
    f'{size} cells ({mean:.1f} joints per clip)' for size, mean, _ in plan
  )
  return f'the joint encoder runs on windows of {sizes}, and whole maps for the rest'


def _check(model: ml_collections.ConfigDict):
  if model.encoder not in ENCODERS:
    raise ValueError(
      f'config.model.encoder is {model.encoder!r}; give one of {", ".join(ENCODERS)}'
    )
  if model.encoder == 'windows' and not model.siamese:
    raise ValueError(
      "config.model.encoder is 'windows', which need one encoder for all joints, but"
      " config.model.siamese is False; set encoder to 'dense'"
    )
