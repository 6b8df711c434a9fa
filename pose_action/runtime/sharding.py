"""The mesh, and how arrays are distributed over its devices; nothing else does this.

The mesh has one axis, `data`, over all devices of all processes. Functions are written
for the global batch and compiled by `jax.jit`, which inserts the communication:
BatchNorm and losses see all rows, and one device gives the same result as eight.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = 'data'
# Smaller arrays, in elements, are not worth splitting (our choice).
_SMALLEST_SPLIT = 2**16


def initialize_processes(detect: bool):
  """Joins this process to its job; does nothing for a job of one process.

  JAX_COORDINATOR_ADDRESS (host:port of process 0), JAX_NUM_PROCESSES and JAX_PROCESS_ID
  describe the job.

  Args:
    detect: detect the job instead (TPU pods, Slurm, Open MPI, Kubernetes).

  Raises:
    ValueError: if only some of the three variables are set.
  """
  address = os.environ.get('JAX_COORDINATOR_ADDRESS')
  if detect:
    jax.distributed.initialize()
  elif address:
    missing = [
      name
      for name in ('JAX_NUM_PROCESSES', 'JAX_PROCESS_ID')
      if not os.environ.get(name, '').isdigit()
    ]
    if missing:
      raise ValueError(
        f'JAX_COORDINATOR_ADDRESS is set ({address}), so {" and ".join(missing)} must'
        ' be set to whole numbers too'
      )
    jax.distributed.initialize(
      address, int(os.environ['JAX_NUM_PROCESSES']), int(os.environ['JAX_PROCESS_ID'])
    )


def wait_for_all(name: str):
  """Blocks until every process of the job has called this."""
  if jax.process_count() > 1:
    multihost_utils.sync_global_devices(name)


def is_alone() -> bool:
  """Whether the job has one process only."""
  return jax.process_count() == 1


def is_first() -> bool:
  """Whether this is process 0, which prints and writes for all."""
  return jax.process_index() == 0


def largest_of_all(values: Sequence[int]) -> list[int]:
  """The largest of each value over all processes, which must all call this."""
  if is_alone():
    return [int(value) for value in values]
  gathered = multihost_utils.process_allgather(np.asarray(values, np.int32))
  return np.asarray(gathered).max(axis=0).tolist()


def make_mesh(devices: Sequence[Any] | None = None) -> Mesh:
  """A mesh with one axis over the given devices; by default all of all processes.

  The devices are in the order of their processes, then of their numbers, so that the
  rows that process p reads, block p of every batch, are on the devices of process p.
  """
  devices = jax.devices() if devices is None else devices
  in_order = sorted(devices, key=lambda device: (device.process_index, device.id))
  # Not jax.make_mesh: on a TPU torus it orders devices by their coordinates. Explicit
  # axes, its default, break convolutions with BatchNorm.
  return Mesh(np.array(in_order), (AXIS,), axis_types=(AxisType.Auto,))


def replicated(mesh: Mesh) -> NamedSharding:
  """A full copy on every device."""
  return NamedSharding(mesh, PartitionSpec())


def over_rows(mesh: Mesh) -> NamedSharding:
  """The leading axis (a batch's rows) divided over the devices."""
  return NamedSharding(mesh, PartitionSpec(AXIS))


def replicate(tree: Any, mesh: Mesh) -> Any:
  """Copies host arrays to every device; NaN too, unlike `jax.device_put`.

  Over several processes `device_put` compares values, and NaN differs from NaN.
  """
  place = replicated(mesh)
  return jax.tree.map(
    lambda a: jax.make_array_from_callback(a.shape, place, lambda index: a[index]), tree
  )


def check_batch_size(batch_size: int, mesh: Mesh, field: str):
  """Raises ValueError unless the rows divide evenly over the devices."""
  if batch_size % mesh.size:
    raise ValueError(
      f'config.{field} is {batch_size}, which does not divide evenly over'
      f' {mesh.size} devices; give a multiple of {mesh.size}'
    )


def state_sharding(shapes: Any, mesh: Mesh, strategy: str) -> Any:
  """The sharding of each array in the train state, as a tree like `shapes`.

  Args:
    strategy: 'replicated' keeps a copy on every device; 'fsdp' divides the longest
      divisible axis of every large array over the devices.

  Raises:
    ValueError: for an unknown strategy.
  """
  if strategy not in ('replicated', 'fsdp'):
    raise ValueError(
      f"config.train.state_sharding is {strategy!r}; give 'replicated' or 'fsdp'"
    )

  def place(array) -> NamedSharding:
    divisible = [axis for axis, n in enumerate(array.shape) if n % mesh.size == 0]
    if strategy == 'replicated' or array.size < _SMALLEST_SPLIT or not divisible:
      return replicated(mesh)
    longest = max(divisible, key=lambda axis: array.shape[axis])
    return NamedSharding(mesh, PartitionSpec(*[None] * longest, AXIS))

  return jax.tree.map(place, shapes)


def global_batch(local_rows: dict[str, np.ndarray], mesh: Mesh) -> dict[str, jax.Array]:
  """Places this process's rows on its devices, as part of the global batch."""
  rows = over_rows(mesh)
  if is_alone():
    return jax.device_put(local_rows, rows)
  return {
    name: jax.make_array_from_process_local_data(rows, array)
    for name, array in local_rows.items()
  }
