"""What the comparisons with PyTorch share: batches of a data set, our side, the table.

Both sides take turns in one process on the same batches, so that other load on the
machine affects both equally.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax

from input_pipeline.loading.loader import training_batches
from input_pipeline.model_input import batch_input
from input_pipeline.storage.dataset import open_dataset
from model_lib.output import ModelOutput
from pose_action.runtime.compiler_options import convolution_options
from pose_action.training.encoder_windows import with_window_plan
from pose_action.training.losses import LossSettings
from pose_action.training.model_registry import build_model
from pose_action.training.optimizers import make_optimizer, make_plateau
from pose_action.training.run_data import RunData, make_run_data
from pose_action.training.shipped_configs import load_config
from pose_action.training.step import initial_state, train_step

OURS, TORCH = 'ours', 'PyTorch'


class InputBatch(NamedTuple):
  """What a model reads, maps or trajectories, and labels; a view is a row."""

  maps: np.ndarray
  labels: np.ndarray


# Does one step on a batch, and returns when it is finished.
Side = Callable[[InputBatch], object]


@dataclasses.dataclass(frozen=True)
class Execution:
  """Where and how PyTorch computes.

  Attributes:
    device: such as 'cpu' or 'cuda'.
    compiled: by `torch.compile`; otherwise operation by operation, eager.
    bfloat16: matrix products and convolutions in bfloat16, by autocast.
  """

  device: str = 'cpu'
  compiled: bool = False
  bfloat16: bool = False


# Eager, float32.
ON_CPU = Execution()


def arguments(description: str | None, *, config: str) -> argparse.ArgumentParser:
  """The flags of every comparison."""
  parser = argparse.ArgumentParser(
    description=description, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--config', default=config, help='config of the model')
  parser.add_argument(
    '--data_dir', required=True, help="folder of the config's exported data set"
  )
  parser.add_argument('--clips', type=int, default=4, help='clips per batch')
  parser.add_argument('--mode', choices=('train', 'predict'), default='train')
  parser.add_argument('--batches', type=int, default=10, help='pairs of steps')
  return parser


def open_config(
  asked: argparse.Namespace,
) -> tuple[ml_collections.ConfigDict, RunData]:
  """The config, and its data set's training clips."""
  config = load_config(asked.config)
  data = config.data
  dataset = open_dataset(asked.data_dir, data.dataset, data.representation)
  return config, make_run_data(config, dataset)


def input_batches(data: RunData, asked: argparse.Namespace) -> list[InputBatch]:
  """Batches of training clips: augmented in all views to train, as they are to predict."""
  rows = training_batches(
    data.train.records,
    data.train.indices,
    data.clip_settings,
    batch_size=asked.clips,
    seed=0,
  )
  read = jax.jit(
    functools.partial(
      batch_input,
      skeleton=data.skeleton,
      settings=data.map_settings,
      augmentation=data.augment_settings,
      trajectories=data.trajectory_settings,
    )
  )
  batches = []
  for number in range(asked.batches):
    batch = next(rows)
    maps = read(batch, jax.random.key(number) if asked.mode == 'train' else None)
    views = len(maps) // asked.clips
    batches.append(InputBatch(np.asarray(maps), np.repeat(batch['label'], views)))
  return batches


def planned(
  config: ml_collections.ConfigDict, data: RunData, encoder: str
) -> ml_collections.ConfigDict:
  """The config with JMRN's encoder, and its plan of windows."""
  config.model.encoder = encoder
  return with_window_plan(config, data, print)


def training_step(
  config: ml_collections.ConfigDict, data: RunData, first: InputBatch
) -> tuple[Any, Any]:
  """The library's own step, jitted, from maps, labels and mask; and its first state."""
  model = build_model(config.model, len(data.class_names))
  schedule = optax.constant_schedule(config.optimizer.learning_rate)
  optimizer = make_optimizer(config.optimizer, schedule)
  state = initial_state(
    model,
    optimizer,
    make_plateau(config.optimizer),
    jax.ShapeDtypeStruct((1, *first.maps.shape[1:]), np.float32),
    jnp.int32(0),
  )
  step = functools.partial(
    train_step,
    model=model,
    optimizer=optimizer,
    schedule=schedule,
    input_of_batch=lambda batch, key: batch['maps'],
    losses=LossSettings.from_config(config.train, steps_per_epoch=1),
  )
  options = convolution_options(jax.default_backend(), trains=True)
  return jax.jit(step, donate_argnums=0, compiler_options=options), state


def step_rows(batch: InputBatch) -> dict[str, np.ndarray]:
  """What a step of `training_step` reads; no row is padding."""
  mask = np.ones(len(batch.labels), np.float32)
  return {'maps': batch.maps, 'label': batch.labels, 'mask': mask}


def our_side(
  config: ml_collections.ConfigDict, data: RunData, first: InputBatch, mode: str
) -> Side:
  """The library's own training step, or its prediction."""
  step, state = training_step(config, data, first)
  if mode == 'predict':
    model = build_model(config.model, len(data.class_names))
    variables = state.variables()
    options = convolution_options(jax.default_backend(), trains=False)

    @functools.partial(jax.jit, compiler_options=options)
    def predict(variables, maps):
      output = model.apply(variables, maps, train=False)
      return cast(ModelOutput, output).logits

    return lambda batch: jax.block_until_ready(predict(variables, batch.maps))
  held: list[Any] = [state]

  def train(batch: InputBatch):
    held[0], metrics = step(held[0], step_rows(batch))
    jax.block_until_ready((held[0], metrics))

  return train


def compare(
  asked: argparse.Namespace,
  config: ml_collections.ConfigDict,
  data: RunData,
  torch_side: Callable[[ml_collections.ConfigDict, InputBatch, int, str], Side],
  note: str = '',
):
  """Prints both sides' times and their ratio.

  Args:
    torch_side: makes the other side, from the config, a batch, the number of classes and
      the mode.
    note: what the heading says besides.
  """
  batches = input_batches(data, asked)
  sides = {
    OURS: our_side(config, data, batches[0], asked.mode),
    TORCH: torch_side(config, batches[0], len(data.class_names), asked.mode),
  }
  views = len(batches[0].labels)
  print(f'{asked.config}, {asked.mode}, {asked.clips} clips, {views} views{note}')
  for line in table(in_turns(sides, batches), asked.clips):
    print(line)


def in_turns(
  sides: dict[str, Side], batches: Sequence[InputBatch]
) -> dict[str, list[float]]:
  """Seconds per batch of each side, after two steps to warm up."""
  for side in sides.values():
    side(batches[0])
    side(batches[-1])
  seconds: dict[str, list[float]] = {name: [] for name in sides}
  for batch in batches:
    for name, side in sides.items():
      started = time.perf_counter()
      side(batch)
      seconds[name].append(time.perf_counter() - started)
  return seconds


def table(seconds: dict[str, list[float]], clips: int) -> Iterable[str]:
  """The lines of a comparison, with the machine and its load."""
  import torch  # pyright: ignore[reportMissingImports]

  cores = len(os.sched_getaffinity(0))
  yield (
    f'{cores} core(s), load {os.getloadavg()[0]:.1f}; Python'
    f' {platform.python_version()}, jax {jax.__version__}, PyTorch {torch.__version__}'
  )
  yield '| | s (median) | least and most | clips per second |\n|---|---|---|---|'
  for side, took in seconds.items():
    median = statistics.median(took)
    yield (
      f'| {side} | {median:.3f} | {min(took):.3f} to {max(took):.3f} |'
      f' {clips / median:.1f} |'
    )
  ratios = [t / o for t, o in zip(seconds[TORCH], seconds[OURS], strict=True)]
  yield (
    f"PyTorch's time over ours: {statistics.median(ratios):.2f} (median of"
    f' {len(ratios)} pairs, {min(ratios):.2f} to {max(ratios):.2f});'
    f' {sum(seconds[TORCH]) / sum(seconds[OURS]):.2f} for all together'
  )
