"""Compares XLA's options for convolutions on CPU by the time of a training step.

    taskset -c 0 python -m benchmarks.step_options --config=pa3d_jhmdb:small,test=false \\
      --data_dir=/tmp/data

The data set must be exported. The options alternate step by step in one process, so
that a busy machine slows all of them down alike.
"""

from __future__ import annotations

import argparse
import statistics
import time
from unittest import mock

import jax
import jax.numpy as jnp

from input_pipeline.loading.loader import training_batches
from input_pipeline.storage.dataset import open_dataset
from pose_action.runtime import sharding
from pose_action.training import program, run_data
from pose_action.training.shipped_configs import load_config

_OPTION = 'xla_cpu_experimental_ynn_fusion_type'
OPTIONS = {
  'none': None,
  'DOT': {_OPTION: 'LIBRARY_FUSION_TYPE_DOT'},
  'DOT,REDUCE': {_OPTION: 'LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE'},
}


def main():
  """Prints the time of a training step for each option, as a table."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--config', required=True, help='name or file of a config')
  parser.add_argument('--data_dir', required=True, help='folder of the data set')
  parser.add_argument('--steps', type=int, default=5, help='steps per option')
  asked = parser.parse_args()
  config = load_config(asked.config)
  data = config.data
  dataset = open_dataset(asked.data_dir, data.dataset, data.representation)
  run = run_data.make_run_data(config, dataset)
  steps = {name: _compiled_step(config, run, name) for name in OPTIONS}
  seconds = {name: [] for name in OPTIONS}
  for _ in range(asked.steps):
    for name, step in steps.items():
      start = time.perf_counter()
      step()
      seconds[name].append(time.perf_counter() - start)
  print(f'{asked.config}, batch {config.train.batch_size or "of all clips"}')
  print('| option | step, s (median) | least and most |\n|---|---|---|')
  for name, of_option in seconds.items():
    median = statistics.median(of_option)
    print(f'| {name} | {median:.3f} | {min(of_option):.3f} to {max(of_option):.3f} |')


def _compiled_step(config, run: run_data.RunData, option: str):
  """A function that trains for one step on the same batch, compiled and warm."""
  mesh = sharding.make_mesh(jax.devices()[:1])
  with mock.patch.object(
    program, 'convolution_options', lambda backend, trains, quick: OPTIONS[option]
  ):
    built = program.build_program(config, run, mesh)
  state, metrics = built.initial_state(jnp.int32(0)), built.empty_metrics()
  batches = training_batches(
    run.train.records,
    run.train.indices,
    run.clip_settings,
    batch_size=built.batch_size,
    seed=0,
  )
  batch = sharding.global_batch(next(batches), mesh)

  def step():
    nonlocal state, metrics
    state, metrics = built.train_step(state, metrics, batch)
    jax.block_until_ready((state, metrics))

  step()
  return step


if __name__ == '__main__':
  main()
