"""A class-balanced order of training clips."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence

import numpy as np

from input_pipeline.loading.shuffled_order import permutation

RULES = ('', 'inverse_frequency')


class BalancedOrder:
  """An endless order of clips that samples classes uniformly, with random access.

  Each round draws every class once, in a new random order. Within a class, every clip is
  drawn once before any repeats, and then all in a new random order. A clip in a class of
  n clips is thus drawn in 1 / n of its class's turns (inverse frequency). Source: ours.
  """

  def __init__(
    self,
    clips: Sequence[int] | np.ndarray,
    classes: Sequence[int] | np.ndarray,
    seed: int,
  ):
    """Args:
      clips: the `b` clips to draw from.
      classes: class of each clip; classes without clips are not drawn.
      seed: seed for the order.

    Raises:
      ValueError: unless every clip has exactly one class.
    """
    clips, classes = np.asarray(clips), np.asarray(classes)
    if classes.shape != clips.shape:
      raise ValueError(
        f'{len(clips)} clips have classes of shape {classes.shape}, but need one each'
      )
    self._clips = [clips[classes == label] for label in np.unique(classes)]
    self._seed = seed

  def __len__(self) -> int:
    return sys.maxsize  # Endless, same as in grain's `repeat`.

  def __getitem__(self, index: int) -> int:
    turn, slot = divmod(index, len(self._clips))
    label = self._shuffled(len(self._clips), 0, turn)[slot]
    clips = self._clips[label]
    lap, of_lap = divmod(turn, len(clips))
    return int(clips[self._shuffled(len(clips), 1 + label, lap)[of_lap]])

  def _shuffled(self, count: int, *key: int) -> np.ndarray:
    return _permutation(count, (self._seed, *key))


# As many as there may be classes: neighbours in the order ask for the same ones.
_permutation = functools.lru_cache(maxsize=2048)(permutation)


def check_balance(rule: str, multi_label: bool):
  """Raises ValueError for an invalid `config.data.balance`."""
  if rule not in RULES:
    raise ValueError(f'config.data.balance is {rule!r}; it is one of {RULES}')
  if rule and multi_label:
    raise ValueError(
      f'config.data.balance is {rule!r}, but clips with several labels cannot be sampled'
      " by class; set it to '', and config.train.class_weights to 'inverse_frequency' to"
      ' weight rare classes in the loss'
    )
