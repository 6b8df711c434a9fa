"""What a compiled program's devices send to each other, read from its HLO text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

_BYTES = {
  **dict.fromkeys(('pred', 's8', 'u8'), 1),
  **dict.fromkeys(('s16', 'u16', 'f16', 'bf16'), 2),
  **dict.fromkeys(('s32', 'u32', 'f32'), 4),
  **dict.fromkeys(('s64', 'u64', 'f64'), 8),
}
_SHAPE = re.compile(rf'({"|".join(_BYTES)})\[([\d,]*)\]')
_KINDS = 'all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute'
_OPERATION = re.compile(rf'= (?P<result>.*?) (?P<kind>{_KINDS})(?P<part>-\w+)?\(')
_COMPUTATION = re.compile(r'^(?P<entry>ENTRY )?%?[\w.\-]+ .*\{$')
_GROUPS = re.compile(r'replica_groups=(?:\{\{([\d,]*)\}|\[\d+,(\d+)\])')


class Collective(NamedTuple):
  """An operation of all devices.

  Attributes:
    kind: such as 'all-reduce'.
    bytes: of its result on one device.
    devices: how many take part in a group.
  """

  kind: str
  bytes: int
  devices: int

  @property
  def sent(self) -> float:
    """Bytes that each device sends, if the devices of a group form a ring.

    For n devices and a result of S bytes: 2 (n - 1) / n · S for an all-reduce, which is a
    reduce-scatter and an all-gather; (n - 1) / n · S for an all-gather or all-to-all;
    (n - 1) · S for a reduce-scatter, whose result is an n-th; S for a permutation.
    """
    n = self.devices
    factors = {
      'all-reduce': 2 * (n - 1) / n,
      'reduce-scatter': n - 1,
      'collective-permute': 1,
    }
    return factors.get(self.kind, (n - 1) / n) * self.bytes


def collectives(hlo: str, devices: int) -> list[Collective]:
  """The collective operations of a compiled program.

  Args:
    hlo: its text, `compiled.as_text()`.
    devices: of the program, for operations of all of them.

  Raises:
    ValueError: for an operation outside the main computation, where it may run several
      times, or one in two parts (start and done).
  """
  found, in_entry, computation = [], False, ''
  for line in hlo.splitlines():
    if match := _COMPUTATION.match(line):
      in_entry, computation = bool(match['entry']), line.split(' (')[0]
    if not (match := _OPERATION.search(line)):
      continue
    if match['part'] or not in_entry:
      raise ValueError(
        f'{match["kind"]}{match["part"] or ""} in {computation} is not counted, only'
        ' whole operations of the main computation'
      )
    found.append(
      Collective(match['kind'], _size(match['result']), _group(line, devices))
    )
  return found


def by_kind(operations: Iterable[Collective]) -> dict[str, tuple[int, int]]:
  """kind → (number of operations, bytes of their results)."""
  totals: dict[str, tuple[int, int]] = {}
  for operation in operations:
    number, size = totals.get(operation.kind, (0, 0))
    totals[operation.kind] = number + 1, size + operation.bytes
  return dict(sorted(totals.items()))


def _size(result: str) -> int:
  """Bytes of an array, or of a tuple of arrays, such as `(f32[8,3]{1,0}, s32[])`."""
  return sum(
    _BYTES[dtype] * math.prod(map(int, filter(None, sides.split(','))))
    for dtype, sides in _SHAPE.findall(result)
  )


def _group(line: str, devices: int) -> int:
  match = _GROUPS.search(line)
  if match is None or match[1] == '':
    return devices
  return int(match[2]) if match[2] else len(match[1].split(','))
