"""What training over 8, 64 and 512 devices costs: tables for docs/scaling.md.

    python -m benchmarks.accelerators.scale --data_dir=/tmp/data \\
      --configs pa3d_jhmdb:representation=keypoints,test=false

The data set must be exported. The config's step is compiled for virtual CPU devices, with
the config's batch on each, and not run: communication is read from the compiled program,
operations from the program before compilation. Times follow from published figures.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

import jax

from benchmarks.accelerators.collectives import Collective, by_kind, collectives
from benchmarks.accelerators.lowered_step import (
  compiled_quickly,
  lowered_step,
  open_config,
)


@dataclasses.dataclass(frozen=True)
class Machine:
  """A published accelerator.

  Attributes:
    flops: peak operations per second in bfloat16, without sparsity.
    sends: bytes per second that a device sends to the next one of a ring: half of what is
      published for both directions.
    host: devices of one host, beyond which they send `sends_beyond`.
  """

  name: str
  flops: float
  sends: float
  host: float = float('inf')
  sends_beyond: float = 0.0

  def speed(self, devices: int) -> float:
    """Bytes per second that a device sends."""
    return self.sends if devices <= self.host else self.sends_beyond


MACHINES = (
  # docs.cloud.google.com/tpu/docs/v5p: 459 TFLOP/s, 1,200 GB/s per chip in both
  # directions, up to 6,144 chips.
  Machine('TPU v5p', flops=459e12, sends=600e9),
  # NVIDIA's data sheets: H100 SXM, 989 TFLOP/s, NVLink 900 GB/s in both directions; DGX
  # H100, 8 GPUs and 8 adapters of 400 Gbit/s, which carry an eighth of the ring each.
  Machine('H100', flops=989e12, sends=450e9, host=8, sends_beyond=8 * 50e9),
)


@dataclasses.dataclass(frozen=True)
class Step:
  """A training step over some devices.

  Attributes:
    clips: per device.
    flops: per device.
    state, temporary: bytes per device; the state is donated.
    operations: what the devices send to each other.
  """

  devices: int
  clips: int
  flops: float
  state: int
  temporary: int
  operations: list[Collective]

  @property
  def sent(self) -> float:
    """Bytes that each device sends."""
    return sum(operation.sent for operation in self.operations)

  def seconds(self, machine: Machine) -> tuple[float, float]:
    """(computation, communication), each at the published peak."""
    return self.flops / machine.flops, self.sent / machine.speed(self.devices)

  def least_clips(self, machine: Machine) -> float:
    """Clips per device below which communication takes longer than computation.

    What is sent hardly depends on the clips: it is the gradient.
    """
    computing, sending = self.seconds(machine)
    return self.clips * sending / computing


def main():
  """Prints what each device holds and sends, then where sending takes longer."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--configs', nargs='+', required=True, help='names of configs')
  parser.add_argument('--data_dir', required=True, help='folder of the data set')
  parser.add_argument('--devices', nargs='+', type=int, default=[8, 64, 512])
  parser.add_argument(
    '--clips', type=int, help="per device; default: the config's batch"
  )
  asked = parser.parse_args()
  jax.config.update('jax_platforms', 'cpu')
  jax.config.update('jax_num_cpu_devices', max(asked.devices))
  steps: list[tuple[str, Step]] = []
  print(
    '| config | clips | devices | collectives | sent, MB | state, MiB | temporary, MiB |'
  )
  print('|---|---|---|---|---|---|---|')
  for name in asked.configs:
    for devices in asked.devices:
      steps.append((name, measured(name, asked.data_dir, devices, asked.clips)))
      print(row_of_program(*steps[-1]), flush=True)
  machines = [machine.name for machine in MACHINES]
  print(f'\n| config | devices | GFLOP | {" | ".join(machines)} |')
  print(f'|{"---|" * (3 + len(machines))}')
  for name, step in steps:
    print(row_of_times(name, step))


def measured(name: str, data_dir: str, devices: int, clips: int | None) -> Step:
  """The config's step over that many virtual devices."""
  config, data = open_config(name, data_dir)
  clips = int(clips or config.train.batch_size)
  lowered = lowered_step(config, data, clips=clips, devices=devices)
  operations: Any = lowered.cost_analysis()
  flops = operations['flops']  # of all devices together
  compiled = compiled_quickly(lowered)
  memory: Any = compiled.memory_analysis()
  return Step(
    devices=devices,
    clips=clips,
    flops=flops / devices,
    state=memory.alias_size_in_bytes,
    temporary=memory.temp_size_in_bytes,
    operations=collectives(compiled.as_text() or '', devices),
  )


def row_of_program(name: str, step: Step) -> str:
  """What the step sends and keeps, as a row of the first table."""
  found = '; '.join(
    f'{number} {kind}, {size / 1e6:.1f} MB'
    for kind, (number, size) in by_kind(step.operations).items()
  )
  return (
    f'| `{name}` | {step.clips} | {step.devices} | {found} | {step.sent / 1e6:.1f} |'
    f' {step.state / 2**20:.0f} | {step.temporary / 2**20:.0f} |'
  )


def row_of_times(name: str, step: Step) -> str:
  """How long each machine computes and sends, as a row of the second table."""
  cells = []
  for machine in MACHINES:
    computing, sending = (1e3 * seconds for seconds in step.seconds(machine))
    cells.append(
      f'{computing:.3g} ms, {sending:.3g} ms: {step.least_clips(machine):.2g} clips'
    )
  return f'| `{name}` | {step.devices} | {step.flops / 1e9:.0f} | {" | ".join(cells)} |'


if __name__ == '__main__':
  main()
