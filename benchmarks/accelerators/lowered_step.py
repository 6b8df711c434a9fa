"""The real training step of a config, lowered for any number of devices; nothing runs."""

from __future__ import annotations

from unittest import mock

import jax
import ml_collections

from input_pipeline.loading.loader import training_batches
from input_pipeline.storage.dataset import open_dataset
from pose_action.runtime import sharding
from pose_action.training import program, run_data
from pose_action.training.shipped_configs import load_config

# Memory and communication are settled before machine code is made, which takes longest.
_QUICKLY = {
  'xla_backend_optimization_level': 0,
  'xla_llvm_disable_expensive_passes': True,
}


def open_config(
  name: str, data_dir: str
) -> tuple[ml_collections.ConfigDict, run_data.RunData]:
  """A config, of which JMRN's encoder is dense as on accelerators, and its data set."""
  config = load_config(name).unlock()
  if config.model.name == 'jmrn':
    config.model.encoder = 'dense'
  data = config.data
  dataset = open_dataset(data_dir, data.dataset, data.representation)
  return config, run_data.make_run_data(config, dataset)


def lowered_step(
  config: ml_collections.ConfigDict,
  data: run_data.RunData,
  *,
  clips: int,
  devices: int = 1,
) -> jax.stages.Lowered:
  """The step for `clips` clips per device, before the compiler has changed it.

  Parts of a batch (`config.train.micro_batches`) are in a loop, as on accelerators.
  """
  config = ml_collections.ConfigDict(config.to_dict())
  config.train.batch_size = clips * devices
  mesh = sharding.make_mesh(jax.devices()[:devices])
  with mock.patch.object(program, 'are_in_loop', lambda mesh: True):
    built = program.build_program(config, data, mesh)
  row = next(
    training_batches(
      data.train.records, data.train.indices, data.clip_settings, batch_size=1, seed=0
    )
  )
  batch = {
    name: jax.ShapeDtypeStruct((clips * devices, *values.shape[1:]), values.dtype)
    for name, values in row.items()
  }
  metrics = jax.eval_shape(built.empty_metrics)
  return built.train_step.lower(built.state_shapes, metrics, batch)  # pyright: ignore


def compiled_quickly(lowered: jax.stages.Lowered) -> jax.stages.Compiled:
  """The compiled program, whose machine code is slow."""
  return lowered.compile(compiler_options=_QUICKLY)
