"""Measures training steps on one accelerator: a table for docs/performance.md.

    python -m benchmarks.accelerators.steps --data_dir=/tmp/data --minutes=8

The steps are JMRN's, dense and on windows, PA3D's and DD-Net's, in bfloat16 with float32
parameters, from maps that are on the device. The share is of the operations per second
of a matrix product in bfloat16, measured first on the same device. PyTorch, eager and
compiled, is measured on the same device where it is installed (the extra `torch`). When
the minutes are over, the rows that are left are named. `--profile=DIR` also writes a trace
of each of our steps, for TensorBoard or Perfetto.

The data sets of the configs must be exported as keypoints
(`pose-action export --representation=keypoints`).
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import itertools
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections

from benchmarks import ddnet_step, jmrn_step, pa3d_step
from benchmarks.beside_torch import (
  Execution,
  InputBatch,
  input_batches,
  open_config,
  planned,
  step_rows,
  training_step,
)
from pose_action.training.run_data import RunData

# Network → the program that compares it with PyTorch, and JMRN's encoder.
NETWORKS = {
  'JMRN, dense': (jmrn_step, 'dense'),
  'JMRN, windows': (jmrn_step, 'windows'),
  'PA3D': (pa3d_step, None),
  'DD-Net': (ddnet_step, None),
}
OURS = 'ours'
# Who → how PyTorch runs; ours first, so that no minute is missing for it.
SIDES = {
  OURS: None,
  'PyTorch, compiled': Execution(compiled=True, bfloat16=True),
  'PyTorch, eager': Execution(bfloat16=True),
}
MEASURED_SECONDS = 3.0
MATRIX_SIDE = 8192


@dataclasses.dataclass(frozen=True)
class Row:
  """One measurement.

  Attributes:
    seconds: of a step.
    flops: of a step, counted before compilation; 0 where not counted.
  """

  network: str
  clips: int
  side: str
  seconds: float
  flops: float = 0.0

  def cells(self, peak: float) -> str:
    """As a row of the table; `peak` in operations per second."""
    rate = self.flops / self.seconds
    shares = f'{rate / 1e12:.3g} | {100 * rate / peak:.0f} %' if rate else '– | –'
    return (
      f'| {self.network} | {self.clips} | {self.side} | {1 / self.seconds:.3g} |'
      f' {self.clips / self.seconds:.4g} | {shares} |'
    )


def main(argv: Sequence[str] | None = None):
  """Prints the device, its measured peak, and a row per network, batch and side."""
  asked = parse_arguments(argv)
  ends = time.monotonic() + 60 * asked.minutes
  peak = matrix_peak(asked.matrix_side, asked.seconds)
  device = jax.devices()[0]
  print(
    f'{device.device_kind}, jax {jax.__version__}; a bfloat16 product of two matrices of'
    f' {asked.matrix_side} rows and columns: {peak / 1e12:.4g} TFLOP/s'
  )
  print('| network | clips | side | steps/s | clips/s | TFLOP/s | of the peak |')
  print('|---|---|---|---|---|---|---|', flush=True)
  sides = SIDES if importlib.util.find_spec('torch') else {OURS: None}
  for side, network, clips in itertools.product(sides, asked.networks, asked.clips):
    if side != OURS and network == 'JMRN, windows':
      continue
    if time.monotonic() > ends:
      print(f'| {network} | {clips} | {side} | no time left | | | |', flush=True)
      continue
    row = measured(network, clips, side, asked)
    print(row if isinstance(row, str) else row.cells(peak), flush=True)


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
  """The command's flags."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--data_dir', required=True, help='folder of the data sets')
  parser.add_argument('--clips', nargs='+', type=int, default=[16, 64, 256])
  parser.add_argument('--networks', nargs='+', default=[*NETWORKS], choices=NETWORKS)
  parser.add_argument(
    '--minutes', type=float, default=8.0, help='no row begins after them'
  )
  parser.add_argument(
    '--seconds',
    type=float,
    default=MEASURED_SECONDS,
    help='for which a row is measured',
  )
  parser.add_argument('--matrix_side', type=int, default=MATRIX_SIDE)
  parser.add_argument('--profile', default='', help='folder for traces of our steps')
  return parser.parse_args(argv)


def measured(
  network: str, clips: int, side: str, asked: argparse.Namespace
) -> Row | str:
  """A row, or a line that says why there is none, such as too little memory."""
  program, encoder = NETWORKS[network]
  setting = argparse.Namespace(
    config=program.CONFIG, data_dir=asked.data_dir, clips=clips, mode='train', batches=2
  )
  try:
    config, data = open_config(setting)
    if encoder:
      config = planned(config, data, encoder)
    config.model.dtype = 'bfloat16'
    batches = input_batches(data, setting)
    execution = SIDES[side]
    if execution is None:
      trace = f'{network} {clips}'.replace(', ', '_').replace(' ', '_')
      folder = os.path.join(asked.profile, trace) if asked.profile else ''
      seconds, flops = our_step(config, data, batches, asked.seconds, folder)
      flops = 0.0 if encoder == 'windows' else flops
    else:
      seconds, flops = torch_step(program, config, data, batches, asked, execution), 0.0
  except (RuntimeError, ValueError) as error:  # what both frameworks raise
    reason = (str(error).splitlines() or [''])[0][:100]
    return f'| {network} | {clips} | {side} | {type(error).__name__}: {reason} | | | |'
  return Row(network, clips, side, seconds, flops)


def our_step(
  config: ml_collections.ConfigDict,
  data: RunData,
  batches: list[InputBatch],
  measured_seconds: float,
  trace: str = '',
) -> tuple[float, float]:
  """(seconds of a step of ours, its operations)."""
  step, state = training_step(config, data, batches[0])
  rows = [jax.device_put(step_rows(batch)) for batch in batches]
  lowered = step.lower(state, rows[0])
  cost: Any = lowered.cost_analysis()
  compiled: Any = lowered.compile()
  held: list[Any] = [state]

  def launch(number: int):
    held[0], _ = compiled(held[0], rows[number % len(rows)])

  seconds = seconds_per_call(
    launch, lambda: jax.block_until_ready(held[0]), measured_seconds
  )
  if trace:
    with jax.profiler.trace(trace):
      _timed(launch, lambda: jax.block_until_ready(held[0]), range(3))
  return seconds, float(cost['flops'])


def torch_step(
  program: Any,
  config: ml_collections.ConfigDict,
  data: RunData,
  batches: list[InputBatch],
  asked: argparse.Namespace,
  execution: Execution,
) -> float:
  """Seconds of a step of PyTorch."""
  import torch  # pyright: ignore[reportMissingImports]

  on_gpu = jax.default_backend() == 'gpu'
  if on_gpu:
    execution = dataclasses.replace(execution, device='cuda')
  side = program.torch_side(
    config, batches[0], len(data.class_names), 'train', execution
  )

  def finish():
    if on_gpu:
      torch.cuda.synchronize()

  return seconds_per_call(
    lambda number: side(batches[number % len(batches)]), finish, asked.seconds
  )


def seconds_per_call(
  launch: Callable[[int], object], finish: Callable[[], object], measured: float
) -> float:
  """Seconds of a call, of which several are on their way to the device at a time.

  Args:
    launch: begins the call of that number.
    finish: returns when all calls have ended.
    measured: for about how many seconds is measured, after two calls to warm up and
      three to plan with.
  """
  _timed(launch, finish, range(2))
  seconds = _timed(launch, finish, range(3)) / 3
  calls = max(3, int(measured / seconds))
  return _timed(launch, finish, range(calls)) / calls


def _timed(
  launch: Callable[[int], object], finish: Callable[[], object], numbers: range
) -> float:
  started = time.perf_counter()
  for number in numbers:
    launch(number)
  finish()
  return time.perf_counter() - started


def matrix_peak(side: int, measured: float) -> float:
  """Operations per second of a product of two bfloat16 matrices of that size."""
  product = jax.jit(lambda a, b: a @ b)
  a = jnp.ones((side, side), jnp.bfloat16)
  held = [a]

  def launch(number: int):
    held[0] = product(a, held[0])

  seconds = seconds_per_call(launch, lambda: held[0].block_until_ready(), measured)
  return 2 * side**3 / seconds


if __name__ == '__main__':
  main()
