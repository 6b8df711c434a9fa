"""The pose modalities (PA3D Sec. 3.1) and their temporal differences (Sec. 4.1).

A data set stores joint maps, part affinity fields and CNN features. A model reads one or
several modalities, each directly or as the difference between consecutive frames.
"""

from __future__ import annotations

from collections.abc import Sequence

from input_pipeline.poses.sources import STORED

_DIFFERENCE = '_diff'
MODALITIES = (*STORED, *(f'{name}{_DIFFERENCE}' for name in STORED))


def stored_modality(modality: str) -> str:
  """The stored modality that a modality is computed from: 'parts' for 'parts_diff'."""
  return modality.removesuffix(_DIFFERENCE)


def stored_modalities(modalities: Sequence[str]) -> tuple[str, ...]:
  """The stored modalities needed for all given ones, each once, in `STORED` order."""
  needed = {stored_modality(modality) for modality in modalities}
  return tuple(name for name in STORED if name in needed)


def is_difference(modality: str) -> bool:
  """Whether the modality is the difference between frames, X_t - X_{t-1}."""
  return modality.endswith(_DIFFERENCE)


def num_frames_of(modality: str, num_frames: int) -> int:
  """Number of maps for T frames: T, or T - 1 for a difference (PA3D Sec. 4.1)."""
  return num_frames - int(is_difference(modality))


def check_modalities(modalities: Sequence[str], field: str):
  """Raises ValueError unless `modalities` are from `MODALITIES`, each at most once."""
  unknown = [name for name in modalities if name not in MODALITIES]
  if unknown or not modalities or len(set(modalities)) < len(modalities):
    raise ValueError(
      f'{field} is {tuple(modalities)}; name at least one of {", ".join(MODALITIES)},'
      ' each once'
    )
