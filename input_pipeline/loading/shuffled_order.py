"""The order of training clips: every epoch has each clip once."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence

import numpy as np


class ShuffledOrder:
  """An endless order of clips with random access; each epoch is a new random order.

  Source: ours; the same as shuffling and repeating, without keeping more than a few epochs.
  """

  def __init__(self, clips: Sequence[int] | np.ndarray, seed: int):
    """Args:
    clips: the clips of an epoch.
    seed: seed for the order.
    """
    self._clips = np.asarray(clips)
    self._seed = seed

  def __len__(self) -> int:
    return sys.maxsize  # Endless.

  def __getitem__(self, index: int) -> int:
    epoch, place = divmod(index, len(self._clips))
    return int(self._clips[_permutation(len(self._clips), (self._seed, epoch))[place]])


def permutation(count: int, seed: tuple[int, ...]) -> np.ndarray:
  """The numbers below `count` in a random order, which cannot be written."""
  order = np.random.default_rng(seed).permutation(count)
  order.flags.writeable = False
  return order


# A batch, read ahead of others, may reach into the next epoch. Few, because an epoch may
# have a million clips.
_permutation = functools.lru_cache(maxsize=4)(permutation)
