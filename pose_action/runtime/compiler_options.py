"""Options for XLA that make convolutions on CPU faster, where it takes them."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

# XLA's CPU backend then hands convolutions' gradients to its matrix-product kernels:
# a JMRN step takes 0.6 of the time, and each result is at least as near to float64
# (docs/performance.md). Experimental in XLA, so it may be gone in another version.
_CPU_CONVOLUTIONS = {'xla_cpu_experimental_ynn_fusion_type': 'LIBRARY_FUSION_TYPE_DOT'}


@functools.cache
def convolution_options(backend: str) -> dict[str, str] | None:
  """For `jax.jit(compiler_options=...)`; None elsewhere, or where XLA refuses them.

  Args:
    backend: platform of the devices, such as 'cpu'.
  """
  if backend != 'cpu':
    return None
  try:
    probe = jax.jit(jnp.negative, compiler_options=_CPU_CONVOLUTIONS)
    probe.lower(jnp.float32(0)).compile()
  except (jax.errors.JaxRuntimeError, ValueError):
    return None
  return _CPU_CONVOLUTIONS
