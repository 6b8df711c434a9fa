"""Parts of a model that each device runs for its own clips, without exchanging any.

`jax.jit` divides a model over devices by itself. Where the work depends on the values,
as the number of passes of a loop does, each device has to decide for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P


def on_each_device(
  function: Callable[..., Any],
  mesh: Mesh | None,
  *,
  divided: Sequence[bool],
  results: Any,
) -> Callable[..., Any]:
  """A function of whole arrays that runs `function` on each device's rows.

  Args:
    mesh: the devices; None runs the function as it is.
    divided: for each leading argument, whether its rows are divided over the devices;
      all further arguments are whole on each device.
    results: the same for the results, a prefix of their tree. What is not divided must be
      equal on all devices, see `sum_over_devices`.
  """
  if mesh is None:
    return function

  def place(is_divided: bool) -> P:
    return P(*mesh.axis_names) if is_divided else P()

  def run(*arguments):
    """The function's results for whole arrays."""
    of_each = (*divided, *(False for _ in arguments[len(divided) :]))
    return jax.shard_map(
      function,
      mesh=mesh,
      in_specs=tuple(map(place, of_each)),
      out_specs=jax.tree.map(place, results),
      check_vma=False,
    )(*arguments)

  return run


def sum_over_devices(tree: Any, mesh: Mesh | None) -> Any:
  """Sums of each device's arrays, inside a function of `on_each_device`."""
  return tree if mesh is None else jax.lax.psum(tree, mesh.axis_names)
