"""Checks of augmentation settings, with messages that name the config's field."""

from __future__ import annotations

import math


def check_factors(field: str, value: tuple[float, ...]):
  """Raises ValueError unless `value` is (smallest, largest), finite and above 0."""
  if len(value) != 2 or not 0 < value[0] <= value[1] < math.inf:
    raise ValueError(
      f'config.augment.{field} is {value}; it is (smallest, largest), both above 0'
      ' (repeating a tuple flag appends to it instead of replacing it)'
    )


def check_shares(
  field: str, value: tuple[float, ...], *, above_0: bool, below_1: bool = False
):
  """Raises ValueError unless `value` is (smallest, largest) in 0..1.

  Args:
    above_0: refuse a smallest share of 0.
    below_1: refuse a largest share of 1.
  """
  fits = len(value) == 2 and 0 <= value[0] <= value[1] <= 1
  if not fits or (above_0 and value[0] == 0) or (below_1 and value[1] == 1):
    low = 'above 0' if above_0 else 'from 0'
    high = 'below 1' if below_1 else 'up to 1'
    raise ValueError(
      f'config.augment.{field} is {value}; it is (smallest, largest) share, {low} and'
      f' {high} (repeating a tuple flag appends to it instead of replacing it)'
    )


def check_share(field: str, value: float):
  """Raises ValueError unless `value` is in 0..1."""
  if not 0 <= value <= 1:
    raise ValueError(f'config.augment.{field} is {value}; it is a share, 0 to 1')


def check_amount(field: str, value: float, unit: str, most: float = math.inf):
  """Raises ValueError unless `value` is finite, 0 or more, and at most `most`."""
  if not (math.isfinite(value) and 0 <= value <= most):
    allowed = '0 or more' if most == math.inf else f'0 to {most:g}'
    raise ValueError(f'config.augment.{field} is {value}; it is {unit}, {allowed}')
