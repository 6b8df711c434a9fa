"""The joint encoder on windows around each joint's motion: exact, and less work (ours).

PoTion maps are almost empty. The encoder's response to an *empty* map is known: after
the input's BatchNorm, x ↦ a_j x + b_j, the empty map of joint j is the constant b_j.
Let A_l be the pre-activation of layer l for that map, E_l = relu(A_l), and u_l a real
map's activation v_l minus E_l:

    E_0 = b_j                     A_l = conv_l(E_(l-1)) + bias_l
    u_0 = a_j x                   v_l = relu(conv_l(u_(l-1)) + A_l)    u_l = v_l - E_l
    A_l = -inf outside the map    (there the dense network pads with zeros, so u_l = 0)

This is an identity in the parameters: outputs and gradients, which flow through A_l too,
are those of the dense network. u_l is exactly 0 off the map's support, dilated by the
layers so far, so it is computed on a window only. A window of S cells (S a multiple of
4), with its origin at 4·k cells, grows with each layer; `LAYERS` says how. A_l is
constant away from the border, so its distinct rows and columns are enough (`Tables`).

`window_passes` runs this for all maps of a batch.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jmrn_jax.convolution import LoopConvolution, LoopProduct
from model_lib import winograd


class _Layer(NamedTuple):
  """How a layer changes a window whose origin is at 4·k cells of the input.

  Attributes:
    taps: side of the convolution's kernel.
    stride: of the convolution.
    pad: cells of zeros before and after the window.
    unit, shift: the output's origin is at unit·k + shift.
  """

  taps: int
  stride: int
  pad: tuple[int, int]
  unit: int
  shift: int


# `window_plan.output_sides` says how large the outputs are.
LAYERS = (
  _Layer(taps=3, stride=2, pad=(1, 2), unit=2, shift=0),  # conv1_1
  _Layer(taps=3, stride=1, pad=(2, 2), unit=2, shift=-1),  # conv1_2
  _Layer(taps=3, stride=2, pad=(2, 2), unit=1, shift=-1),  # conv2_1
  _Layer(taps=3, stride=1, pad=(2, 2), unit=1, shift=-2),  # conv2_2
  _Layer(taps=1, stride=1, pad=(0, 0), unit=1, shift=-2),  # compression, 1×1
)
_NAMES = ('conv1_1', 'conv1_2', 'conv2_1', 'conv2_2')
# Zeros around tables and results: the first window begins 2 cells before the map, and
# the last one ends 3 cells after it.
BEFORE, AFTER = 2, 3

Kernels = Sequence[jax.Array]
# A_l of each joint `[j, h, w, d]`, its distinct rows and columns (`distinct_lines`); then a
# row and a column of -inf for what is outside the map.
Tables = Sequence[jax.Array]
_ONE_AFTER = ((0, 0), (0, 1), (0, 1), (0, 0))


class InputAffine(nn.Module):
  """The input's BatchNorm as a_j and b_j, with the variables of `nn.BatchNorm`.

  Same as `nn.BatchNorm(axis=(1, -1), momentum=0.9, epsilon=1e-5)` on `[b, j, h, w, c]`.
  """

  @nn.compact
  def __call__(
    self, maps: Float[Array, 'b j h w c'], train: bool
  ) -> tuple[Float[Array, 'j c'], Float[Array, 'j c']]:
    shape = (maps.shape[1], maps.shape[-1])
    mean = self.variable('batch_stats', 'mean', jnp.zeros, shape)
    var = self.variable('batch_stats', 'var', jnp.ones, shape)
    scale = self.param('scale', nn.initializers.ones, shape)
    bias = self.param('bias', nn.initializers.zeros, shape)
    if not train:
      return _affine(mean.value, var.value, scale, bias)
    maps = maps.astype(jnp.promote_types(maps.dtype, jnp.float32))
    found_mean = maps.mean((0, 2, 3))
    found_var = jnp.square(maps).mean((0, 2, 3)) - jnp.square(found_mean)
    found_var = jnp.maximum(found_var, 0)
    mean.value = 0.9 * mean.value + (1 - 0.9) * found_mean
    var.value = 0.9 * var.value + (1 - 0.9) * found_var
    return _affine(found_mean, found_var, scale, bias)


def _affine(mean, var, scale, bias) -> tuple[jax.Array, jax.Array]:
  a = scale * jax.lax.rsqrt(var + 1e-5)
  return a, bias - a * mean


def kernels_and_biases(
  params: Mapping[str, Any], dtype: jnp.dtype
) -> tuple[list[jax.Array], list[jax.Array]]:
  """Kernel and bias of each layer, from the parameters of the dense network."""
  layers = [*(params['joint_encoder'][name] for name in _NAMES), params['compression']]
  kernels = [layer['kernel'].astype(dtype) for layer in layers]
  return kernels, [layer['bias'].astype(dtype) for layer in layers]


def empty_responses(
  empty: Float[Array, 'j c'],
  size: tuple[int, int],
  kernels: Kernels,
  biases: Sequence[Float[Array, 'd']],
) -> list[Float[Array, 'j h w d']]:
  """A_l for each joint and layer, see `Tables`.

  The few distinct inputs are multiplied by each tap of a kernel, and the products are added
  up where they are read.

  Args:
    empty: b_j.
    size: (height, width) of the maps.
  """
  x = empty[:, None, None]  # The map's one value.
  tables = []
  for layer, rows, columns, kernel, bias in zip(
    LAYERS, *map(distinct_lines, size), kernels, biases, strict=True
  ):
    taps = kernel.reshape(layer.taps, layer.taps, *kernel.shape[-2:])
    table = bias.reshape(1, 1, 1, -1)
    for row, column in np.ndindex(taps.shape[:2]):
      products = jnp.pad(x @ taps[row, column], _ONE_AFTER)  # Outside it reads zeros.
      table += products[:, rows.reads[:, row, None], columns.reads[:, column]]
    tables.append(jnp.pad(table, _ONE_AFTER, constant_values=-jnp.inf))
    x = nn.relu(table)
  return tables


class _Lines(NamedTuple):
  """The rows of a table, or its columns, and where a whole map has them.

  Attributes:
    reads: the lines of the table before that each of them is computed from; those
      outside the map are that table's last.
    places: the line of this table that stands for each line of the whole map.
  """

  reads: Int[np.ndarray, 'n k']
  places: Int[np.ndarray, 'side']

  @property
  def around(self) -> Int[np.ndarray, 'more']:
    """`places` from `BEFORE` lines before the map to `AFTER` lines after it."""
    return np.pad(self.places, (BEFORE, AFTER), constant_values=len(self.reads))


@functools.cache
def distinct_lines(length: int) -> tuple[_Lines, ...]:
  """The distinct rows, or columns, of each layer's A_l.

  Two lines are equal if they read the same lines of the layer before. An empty map has
  one, so only those near a border differ: up to 3 of the last layer on either side.

  Args:
    length: the map's side.
  """
  found = []
  places, count = np.zeros(length, np.int32), 1
  for layer in LAYERS:
    around = np.pad(places, layer.taps // 2, constant_values=count)
    reads = np.lib.stride_tricks.sliding_window_view(around, layer.taps)
    reads, places = np.unique(reads[:: layer.stride], axis=0, return_inverse=True)
    places, count = places.ravel().astype(np.int32), len(reads)
    found.append(_Lines(reads, places))
  return tuple(found)


def empty_features(
  table: Float[Array, 'j h w d'], size: tuple[int, int]
) -> Float[Array, 'j h4 w4 d']:
  """E_l of the whole map, for the last two layers."""
  rows, columns = (distinct_lines(side)[-1].places for side in size)
  return nn.relu(table[:, rows][:, :, columns])


def mean_empty_features(
  table: Float[Array, 'j h w d'], size: tuple[int, int], dtype: Any
) -> Float[Array, 'j d']:
  """The mean of `empty_features` over the map."""
  shares = []
  for side in size:
    places = distinct_lines(side)[-1].places
    shares.append(jnp.asarray(np.bincount(places) / len(places), dtype))
  features = nn.relu(table[:, :-1, :-1]).astype(dtype)
  return jnp.einsum('jyxd,y,x->jd', features, *shares)


def starts_of(origin: Int[Array, 'm 2']) -> list[Int[Array, 'm 2']]:
  """Where each layer's output begins in `around`, for windows at 4·`origin` cells."""
  return [origin * layer.unit + layer.shift + BEFORE for layer in LAYERS]


def prepared(
  kernels: Kernels, fewer_products: bool, *, trains: bool
) -> list[LoopConvolution | LoopProduct]:
  """The layers for `activations` and `pulled_back`, to be made once for all windows.

  Args:
    fewer_products: see `LoopConvolution`; in training only where it pays there.
    trains: whether gradients follow.
  """
  layers = []
  for layer, kernel in zip(LAYERS, kernels, strict=True):
    if kernel.ndim == 2:
      layers.append(LoopProduct(kernel))
      continue
    fewer = fewer_products and (not trains or winograd.pays_in_training(kernel))
    layers.append(
      LoopConvolution(kernel, layer.stride, layer.pad, fewer_products=fewer)
    )
  return layers


def activations(
  u: Float[Array, 'm y x c'],
  layers: Sequence[LoopConvolution | LoopProduct],
  empties: Sequence[jax.Array],
) -> list[Float[Array, 'm y2 x2 d']]:
  """v_l of each layer on windows.

  Args:
    u: u_0.
    layers: see `prepared`.
    empties: A_l on the windows of each layer's output.
  """
  found = []
  for layer, empty in zip(layers, empties, strict=True):
    v = nn.relu(layer(u) + empty)
    found.append(v)
    u = v - nn.relu(empty)
  return found


def pulled_back(
  gradients: Sequence[jax.Array],
  u: Float[Array, 'm y x c'],
  layers: Sequence[LoopConvolution | LoopProduct],
  empties: Sequence[jax.Array],
  found: Sequence[jax.Array],
) -> tuple[jax.Array, list[jax.Array], list[jax.Array]]:
  """The gradients of u_0, of the kernels and of A_l on the windows.

  Args:
    gradients: of u of the last two layers.
    u, layers, empties: see `activations`.
    found: what `activations` returned.
  """
  inputs = [u, *(v - nn.relu(e) for v, e in zip(found, empties, strict=True))]
  of_kernels, of_empties = [], []
  of_features, gradient = gradients
  for number in reversed(range(len(layers))):
    layer = layers[number]
    zero = jnp.zeros_like(gradient)
    of_z = jnp.where(found[number] > 0, gradient, zero)
    of_empties.append(of_z - jnp.where(empties[number] > 0, gradient, zero))
    of_kernels.append(layer.of_kernel(inputs[number], of_z))
    gradient = layer.of_maps(of_z)
    if number == len(layers) - 1:
      gradient += of_features
  return gradient, of_kernels[::-1], of_empties[::-1]
