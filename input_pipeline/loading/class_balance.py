"""The order of training clips that brings every class equally often."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

RULES = ('', 'inverse_frequency')


class BalancedOrder:
  """An endless order of clips, each place known without those before it.

  A round has each class once, in a new order; of a class, each clip comes once before
  any comes again, then all in a new order. A clip of a class of n clips is so drawn with
  a frequency of 1 / n of its class's (inverse frequency). Source: ours.
  """

  def __init__(
    self,
    clips: Sequence[int] | np.ndarray,
    classes: Sequence[int] | np.ndarray,
    seed: int,
  ):
    """Args:
      clips: what is drawn, `b` of them.
      classes: of each; one that no clip has is not drawn.
      seed: of the order.

    Raises:
      ValueError: where not every clip has one class.
    """
    clips, classes = np.asarray(clips), np.asarray(classes)
    if classes.shape != clips.shape:
      raise ValueError(
        f'{len(clips)} clips have classes of shape {classes.shape}, but need one each'
      )
    self._clips = [clips[classes == label] for label in np.unique(classes)]
    self._seed = seed

  def __len__(self) -> int:
    return sys.maxsize  # As grain's `repeat` has it.

  def __getitem__(self, index: int) -> int:
    turn, slot = divmod(index, len(self._clips))
    label = self._shuffled(len(self._clips), 0, turn)[slot]
    clips = self._clips[label]
    lap, of_lap = divmod(turn, len(clips))
    return int(clips[self._shuffled(len(clips), 1 + label, lap)[of_lap]])

  def _shuffled(self, count: int, *key: int) -> np.ndarray:
    return np.random.default_rng((self._seed, *key)).permutation(count)


def check_balance(rule: str, multi_label: bool):
  """Raises ValueError where `config.data.balance` cannot be had."""
  if rule not in RULES:
    raise ValueError(f'config.data.balance is {rule!r}; it is one of {RULES}')
  if rule and multi_label:
    raise ValueError(
      f'config.data.balance is {rule!r}, but clips of several labels have no one class'
      " to be drawn by; set it to '', and config.train.class_weights to"
      " 'inverse_frequency' to weigh rare classes in the loss"
    )
