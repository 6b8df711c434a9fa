"""Tables of text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(
  rows: Sequence[Sequence[str]], *, left: int = 1, gap: str = '  '
) -> list[str]:
  """Returns one line per row, with aligned columns.

  Args:
    rows: all with the same number of cells; a heading is a row like any other.
    left: the number of leading columns that are left-aligned; the rest is right-aligned.
    gap: the text between columns.
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
