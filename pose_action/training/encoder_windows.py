"""The plan of windows for JMRN's encoder, from a run's own training clips."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence

import jax
import ml_collections
import numpy as np

from input_pipeline.loading.loader import training_batches
from input_pipeline.model_input import batch_supports
from jmrn_jax import window_plan
from jmrn_jax.model import ENCODERS
from pose_action.training.run_data import RunData
from pose_action.training.saved_checkpoints import step_folders
from pose_action.training.saved_config import get_config

_CLIPS, _ROWS = 128, 32  # Ours: clips that are measured, and how many at a time.


def with_window_plan(
  config: ml_collections.ConfigDict,
  data: RunData,
  report: Callable[[str], object],
  workdir: pathlib.Path | None = None,
) -> ml_collections.ConfigDict:
  """The config with `model.windows`, if `model.encoder` may use them.

  The plan is saved with the run, for predictions and for resuming. For a new run, it
  depends only on the clips and the config.

  Args:
    workdir: the run's folder; if it has checkpoints, their plan is taken.

  Raises:
    ValueError: for an unknown `config.model.encoder`, or one that does not fit.
  """
  model = config.model
  if model.get('name') != 'jmrn' or model.get('encoder', 'dense') == 'dense':
    return config
  _check(model)
  if model.encoder == 'auto' and (jax.default_backend() != 'cpu' or not model.siamese):
    return config
  plan = tuple(model.windows) or _saved_plan(workdir)
  if not plan:
    plan = window_plan.make_plan(
      measured_needs(data), tuple(config.data.map_size), tuple(model.features)
    )
  report(window_line(plan))
  if model.dropout:
    report('in training the joint encoder is dense: config.model.dropout is above 0')
  config = ml_collections.ConfigDict(config.to_dict())
  config.model.windows = plan
  return config.lock()


def _saved_plan(workdir: pathlib.Path | None) -> tuple:
  """The plan of the run in a workdir; empty without a checkpoint or a plan.

  Only with a checkpoint is it sure that config.json is this run's: another run is refused
  before it writes one.
  """
  if workdir is None or not step_folders(workdir / 'checkpoints'):
    return ()
  try:
    return tuple(get_config(workdir / 'config.json').model.windows)
  except (AttributeError, OSError, ValueError):
    return ()


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
    lines = batch_supports(
      batch,
      key,
      skeleton=data.skeleton,
      settings=data.map_settings,
      augmentation=data.augment_settings,
    )
    return window_plan.supports_of_lines(*lines).need

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
