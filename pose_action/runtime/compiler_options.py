"""XLA options for faster programs on CPU, if the installed XLA accepts them."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

# The operations that XLA's CPU backend hands to its library of fast kernels; the option
# replaces XLA's default list. It is experimental: another version of XLA may lack it.
_OPTION = 'xla_cpu_experimental_ynn_fusion_type'
# In training. With DOT, convolutions' gradients become matrix products: filter gradients
# of a 3×3 convolution over 128 channels take 0.3 of the time. The default contains the
# fast reductions, so REDUCE must be listed too. With DOT alone, BatchNorm and ReLU take
# eight times as long and large float32 sums lose a digit. With both, a training step
# takes 0.63 (PA3D) or 0.5 to 0.6 (JMRN) of the default's time (one core, jax 0.10.2), and
# results differ from the default's only in float32 rounding.
_TRAINING = {_OPTION: 'LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE'}
# In inference no operation: with any, the library fuses whole networks, which takes 1.04
# to 1.7 times as long as one convolution after another (docs/performance.md).
_INFERENCE = {_OPTION: ''}
# For the random parameters: the long code of random numbers takes a quarter of the time to
# compile (7.9 and 1.9 s on one core), and the numbers are the same.
_LEVEL = 'xla_backend_optimization_level'
_INITIAL = {_LEVEL: '0'}
# LLVM's first level: the training step of a network on trajectories compiles in 19 s in
# place of 28, and takes 58 ms in place of 56 (one core, jax 0.10.2).
_QUICK = {_LEVEL: '1'}


def convolution_options(
  backend: str, *, trains: bool, quick: bool = False
) -> dict[str, str] | None:
  """Options for `jax.jit(compiler_options=...)`; None if refused, and on GPU and TPU.

  Args:
    backend: platform of the devices, such as 'cpu'.
    trains: whether the program computes gradients.
    quick: optimise less, for programs that hardly run longer than they compile.
  """
  if backend != 'cpu' or not _are_known():
    return None
  return (_TRAINING if trains else _INFERENCE) | (_QUICK if quick else {})


def initial_state_options(backend: str) -> dict[str, str] | None:
  """Options for the program that makes random parameters; None as above.

  Args:
    backend: platform of the devices, such as 'cpu'.
  """
  return _INITIAL if backend == 'cpu' and _are_known() else None


@functools.cache
def _are_known() -> bool:
  try:
    for options in (_TRAINING, _INFERENCE, _INITIAL, _QUICK):
      jax.jit(jnp.negative, compiler_options=options).lower(jnp.float32(0)).compile()
  except (jax.errors.JaxRuntimeError, ValueError):
    return False
  return True
