"""Predictors and workdirs with untrained models."""

import contextlib
import functools
import pathlib

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from input_pipeline.skeletons.registry import Skeleton
from pose_action.inference.predictor import Predictor
from pose_action.training import input_settings, optimizers
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.model_registry import build_model
from pose_action.training.step import initial_state


def predictor(
  config: ml_collections.ConfigDict, skeleton: Skeleton, class_names: tuple[str, ...]
) -> Predictor:
  """Its variables are far from their initial values, so that mistakes show."""
  model = build_model(config.model, len(class_names))
  shapes = jax.eval_shape(
    functools.partial(model.init, train=False),
    jax.random.key(0),
    input_settings.example_input(config, skeleton),
  )
  rng = np.random.default_rng(0)

  def drawn(path, leaf):
    low = 0.5 if path[0].key == 'batch_stats' else -0.5
    return jnp.array(rng.uniform(low, low + 1, leaf.shape), leaf.dtype)

  return Predictor(
    config=config,
    class_names=class_names,
    skeleton=skeleton,
    model=model,
    variables=jax.tree.map_with_path(drawn, shapes),
    step=3,
  )


def write_workdir(
  folder: pathlib.Path,
  config: ml_collections.ConfigDict,
  skeleton: Skeleton,
  class_names: tuple[str, ...],
  **described: str,
):
  """Writes a workdir with one checkpoint, at step 0.

  Args:
    described: more fields of the checkpoint's description.
  """
  schedule = optimizers.make_schedule(
    config.optimizer, total_steps=1, steps_per_epoch=1
  )
  with jax.numpy_dtype_promotion('standard'):
    fresh_state = functools.partial(
      initial_state,
      build_model(config.model, len(class_names)),
      optimizers.make_optimizer(config.optimizer, schedule),
      optimizers.make_plateau(config.optimizer),
      input_settings.example_input(config, skeleton),
    )
    state = jax.jit(fresh_state)(jnp.int32(0))
  description = {
    'config': config.to_dict(),
    'class_names': list(class_names),
    'skeleton': skeleton.to_dict(),
    **described,
  }
  with contextlib.closing(Checkpoints(folder)) as checkpoints:
    checkpoints.save(0, state, None, description, None)
    checkpoints.wait()
