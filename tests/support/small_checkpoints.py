"""Checkpoints of a state with two parameters."""

import grain
import jax
import jax.numpy as jnp

from pose_action.training.step import TrainState

DESCRIPTION = {
  'config': {'data': {'map_size': [16, 16]}},
  'class_names': ['a', 'é'],
  'skeleton': {},
}


def state(step):
  return TrainState(
    step=jnp.int32(step),
    # The table is large enough for a file of its own.
    params={'w': jnp.full(3, step, jnp.float32), 'table': jnp.arange(4096) * step},
    collections={},
    opt_state=(),
    plateau=(),
    key=jax.random.key(7),
  )


def shapes(state):
  return jax.tree.map(
    lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding),
    state,
  )


def iterator():
  return iter(grain.MapDataset.range(100).to_iter_dataset())


def save(checkpoints, step, validation=None):
  checkpoints.save(step, state(step), iterator(), DESCRIPTION, validation)
