"""The lengths and frame rates of the clips that a model was trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # Our choice.


@dataclasses.dataclass(frozen=True)
class ClipTimes:
  """Quantiles over training clips, at `QUANTILES`; stored in each checkpoint.

  Attributes:
    num_frames: lengths in frames.
    frame_rate: frames per second of the clips whose rate is known; None if none is.
    seconds: lengths of these clips in seconds; None if no rate is known.
    unknown_rates: number of clips of unknown rate.
  """

  num_frames: tuple[float, ...]
  frame_rate: tuple[float, ...] | None = None
  seconds: tuple[float, ...] | None = None
  unknown_rates: int = 0

  @classmethod
  def of_clips(
    cls, num_frames: Sequence[int], frame_rates: Sequence[float | None] | None
  ) -> ClipTimes:
    """Measures clips.

    Args:
      num_frames: of each clip, at least one.
      frame_rates: of each clip, None if unknown; None if all are.
    """
    rates = [None] * len(num_frames) if frame_rates is None else list(frame_rates)
    known = [(n, r) for n, r in zip(num_frames, rates, strict=True) if r is not None]
    return cls(
      num_frames=_quantiles(num_frames),
      frame_rate=_quantiles([rate for _, rate in known]) if known else None,
      seconds=_quantiles([n / rate for n, rate in known]) if known else None,
      unknown_rates=len(rates) - len(known),
    )

  @classmethod
  def from_dict(cls, fields: Mapping[str, Any] | None) -> ClipTimes | None:
    """Reads what `to_dict` made; None for a run of an earlier release."""
    if fields is None:
      return None
    known: dict[str, Any] = {
      name: tuple(value) if isinstance(value, list) else value
      for name, value in fields.items()
      if name in {field.name for field in dataclasses.fields(cls)}
    }
    return cls(**known)

  def to_dict(self) -> dict[str, Any]:
    """JSON-ready."""
    return dataclasses.asdict(self)

  @property
  def usual_rate(self) -> float | None:
    """The median frame rate."""
    return None if self.frame_rate is None else self.frame_rate[QUANTILES.index(0.5)]

  @property
  def usual_frames(self) -> int:
    """The median length in frames."""
    return round(self.num_frames[QUANTILES.index(0.5)])


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
  return tuple(float(q) for q in np.quantile(np.asarray(values, float), QUANTILES))
