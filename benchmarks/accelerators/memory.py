"""Memory of a training step, as XLA plans it: a table for docs/performance.md.

    python -m benchmarks.accelerators.memory --data_dir=/tmp/data --clips=64 \\
      --configs pa3d_jhmdb:representation=keypoints,test=false

The data set must be exported. The step is compiled for the CPU and not run.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.accelerators.lowered_step import (
  compiled_quickly,
  lowered_step,
  open_config,
)

# What is changed in `config.train` and `config.model`.
VARIANTS = {
  'as it is': {},
  'rematerialize': {'train.rematerialize': True},
  'micro_batches=4': {'train.micro_batches': 4},
  'both': {'train.rematerialize': True, 'train.micro_batches': 4},
}


def main():
  """Prints a row per config, and the temporary memory of each variant."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--configs', nargs='+', required=True, help='names of configs')
  parser.add_argument('--data_dir', required=True, help='folder of the data set')
  parser.add_argument('--clips', type=int, default=64, help='clips per step')
  parser.add_argument('--variants', nargs='+', default=[*VARIANTS], choices=VARIANTS)
  asked = parser.parse_args()
  print(f'| {asked.clips} clips | state, MiB | {" | ".join(asked.variants)} |')
  print(f'|{"---|" * (len(asked.variants) + 2)}')
  for name in asked.configs:
    print(f'| `{name}` |', end='', flush=True)
    for number, variant in enumerate(asked.variants):
      state, temporary = memory(name, asked.data_dir, variant, asked.clips)
      print(
        f' {state:.0f} |' if not number else '',
        f'{temporary:.0f} |',
        end='',
        flush=True,
      )
    print()


def memory(name: str, data_dir: str, variant: str, clips: int) -> tuple[float, float]:
  """MiB of the state, which is donated, and of temporary arrays."""
  config, data = open_config(name, data_dir)
  config.update_from_flattened_dict(VARIANTS[variant])
  step = compiled_quickly(lowered_step(config, data, clips=clips))
  found: Any = step.memory_analysis()
  return found.alias_size_in_bytes / 2**20, found.temp_size_in_bytes / 2**20


if __name__ == '__main__':
  main()
