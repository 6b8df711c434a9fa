"""Tables of text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(
  rows: Sequence[Sequence[str]], *, left: int = 1, gap: str = '  '
) -> list[str]:
  """The rows as lines whose columns are aligned, all as wide as their widest cell.

  Args:
    rows: of equally many cells each; the heading is a row like any other.
    left: how many of the first columns are aligned to the left, the rest to the right.
    gap: between columns.
  """
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  lines = []
  for row in rows:
    cells = [
      cell.ljust(width) if i < left else cell.rjust(width)
      for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    lines.append(gap.join(cells).rstrip())
  return lines
