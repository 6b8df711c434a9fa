"""Whether the rows of a table come in the paper's order, whatever the figures are."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Agreement:
  """How far two sets of figures of the same rows agree in order.

  Attributes:
    tau: Kendall's τ-b, 1 for the same order, -1 for the reverse; NaN where one set is
      all the same.
    same: pairs of rows that differ in the paper, and likewise in ours.
    pairs: of rows that differ in the paper.
  """

  tau: float
  same: int
  pairs: int


def agreement(ours: Sequence[float], paper: Sequence[float]) -> Agreement:
  """Compares rows in pairs; a pair equal in ours is not in the paper's order."""
  same = reverse = our_pairs = pairs = 0
  for (our_a, paper_a), (our_b, paper_b) in itertools.combinations(
    zip(ours, paper, strict=True), 2
  ):
    product = (our_a - our_b) * (paper_a - paper_b)
    same += product > 0
    reverse += product < 0
    our_pairs += our_a != our_b
    pairs += paper_a != paper_b
  scale = math.sqrt(our_pairs * pairs)
  return Agreement((same - reverse) / scale if scale else math.nan, same, pairs)


def in_order(titles: Sequence[str], figures: Sequence[float]) -> str:
  """Such as `b > a = c`, highest first, equal ones in the order given."""
  ranked = sorted(zip(titles, figures, strict=True), key=lambda row: -row[1])
  words = [ranked[0][0]]
  for (_, higher), (title, figure) in itertools.pairwise(ranked):
    words += ['=' if figure == higher else '>', title]
  return ' '.join(words)
