"""Functions of each device's rows, with sums over devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from model_lib.each_device import on_each_device, sum_over_devices
from pose_action.runtime import sharding


@pytest.mark.parametrize('devices', [None, 4])
def test_each_device_runs_its_own_number_of_passes(devices):
  """Doubles each device's rows as often as its largest row says, and counts passes."""
  mesh = sharding.make_mesh(jax.devices()[:devices]) if devices else None

  def doubled(rows, factor):
    passes = rows.max().astype(jnp.int32)
    found = jax.lax.fori_loop(0, passes, lambda _, x: factor * x, rows)
    return found, sum_over_devices(passes, mesh)

  run = on_each_device(doubled, mesh, divided=(True,), results=(True, False))
  rows, passes = jax.jit(run)(jnp.array([0.0, 1, 3, 2]), jnp.float32(2))
  # One device does 3 passes on all rows; four do 0, 1, 3 and 2.
  wanted = [0, 2, 24, 8] if devices else [0, 8, 24, 16]
  np.testing.assert_array_equal(rows, wanted)
  assert passes == (6 if devices else 3)
