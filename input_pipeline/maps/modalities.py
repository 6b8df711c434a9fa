"""The modalities of pose (PA3D Sec. 3.1) and their differences in time (Sec. 4.1).

A data set stores joint maps, part affinity fields and CNN features; a model reads one
of them or several, each as it is or as the difference of consecutive frames.
"""

from __future__ import annotations

from collections.abc import Sequence

from input_pipeline.poses.sources import STORED

_DIFFERENCE = '_diff'
MODALITIES = (*STORED, *(f'{name}{_DIFFERENCE}' for name in STORED))


def stored_modality(modality: str) -> str:
  """What is stored of it: 'parts' of 'parts_diff'."""
  return modality.removesuffix(_DIFFERENCE)


def stored_modalities(modalities: Sequence[str]) -> tuple[str, ...]:
  """What is stored of all of them, each once, in the order of `STORED`."""
  needed = {stored_modality(modality) for modality in modalities}
  return tuple(name for name in STORED if name in needed)


def is_difference(modality: str) -> bool:
  """Whether it is the difference of consecutive frames, X_t - X_{t-1}."""
  return modality.endswith(_DIFFERENCE)


def num_frames_of(modality: str, num_frames: int) -> int:
  """Maps of a clip of T frames: T, and T - 1 of a difference (PA3D Sec. 4.1)."""
  return num_frames - int(is_difference(modality))


def check_modalities(modalities: Sequence[str], field: str):
  """Raises ValueError where `modalities` are not some of `MODALITIES`, each once."""
  unknown = [name for name in modalities if name not in MODALITIES]
  if unknown or not modalities or len(set(modalities)) < len(modalities):
    raise ValueError(
      f'{field} is {tuple(modalities)}; name at least one of {", ".join(MODALITIES)},'
      ' each once'
    )
