"""Compares the order of a table's rows with the paper's, whatever the figures are."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Agreement:
  """How far our figures and the paper's order the same rows alike.

  Attributes:
    tau: Kendall's τ-b: 1 for the same order, -1 for the reverse. NaN if all figures of
      one side are equal.
    same: number of row pairs whose order is the same in ours as in the paper.
    pairs: number of row pairs whose figures differ in the paper.
  """

  tau: float
  same: int
  pairs: int


def agreement(ours: Sequence[float], paper: Sequence[float]) -> Agreement:
  """Compares rows in pairs; a pair with equal figures of ours does not count as same."""
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
  """The order in words, such as `b > a = c`: highest first, ties in the given order."""
  ranked = sorted(zip(titles, figures, strict=True), key=lambda row: -row[1])
  words = [ranked[0][0]]
  for (_, higher), (title, figure) in itertools.pairwise(ranked):
    words += ['=' if figure == higher else '>', title]
  return ' '.join(words)
