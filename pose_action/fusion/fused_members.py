"""`ensemble.json`: an ensemble's members and how their predictions are fused.

  {"members": {"joints": {"folder": "members/joints", "weight": 0.62}, …},
   "temperature": 1.31}

With several labels per clip, a member's weight is a list with one number per class.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import numpy as np
from jaxtyping import Float

from pose_action.evaluation.calibration import with_temperature
from pose_action.fusion import fusion
from pose_action.host import atomic_files
from pose_action.host.user_paths import user_path

FILE = 'ensemble.json'


@dataclasses.dataclass(frozen=True, eq=False)
class FusedMembers:
  """An ensemble's members, in a fixed order, and how they are fused.

  Attributes:
    folders: each member's workdir by name, relative to the ensemble's.
    weights: `[s]` per member, or `[s, k]` per member and class for several labels per
      clip; see `fusion.weighted_logits`.
    temperature: applied to the fused probabilities; see `calibration.with_temperature`.
  """

  folders: dict[str, str]
  weights: Float[np.ndarray, 's'] | Float[np.ndarray, 's k']
  temperature: float

  def fuse(self, probabilities: Float[np.ndarray, 's b k']) -> Float[np.ndarray, 'b k']:
    """softmax(Σ_s w_s log p_s / T), float64; for several labels sigmoid, per class."""
    fused = fusion.weighted_logits(np.asarray(probabilities, np.float64), self.weights)
    several = self.weights.ndim == 2
    return with_temperature(fused, self.temperature, multi_label=several)

  def write(self, workdir: str | os.PathLike[str]):
    """Writes `ensemble.json`, atomically."""
    members = {
      name: {'folder': folder, 'weight': weight}
      for (name, folder), weight in zip(
        self.folders.items(), self.weights.tolist(), strict=True
      )
    }
    content = {'members': members, 'temperature': self.temperature}
    atomic_files.write_json(pathlib.Path(workdir) / FILE, content)


def is_ensemble(workdir: str | os.PathLike[str]) -> bool:
  """Whether the workdir holds a trained ensemble."""
  return (user_path(workdir) / FILE).is_file()


def is_unfinished_ensemble(workdir: str | os.PathLike[str]) -> bool:
  """Whether the workdir holds an ensemble whose members are still to be trained."""
  folder = user_path(workdir)
  begun = (folder / 'held_out').is_dir() and not (folder / 'checkpoints').exists()
  return begun and not is_ensemble(folder)


def read_ensemble(workdir: str | os.PathLike[str]) -> FusedMembers:
  """Reads a workdir's `ensemble.json`.

  Raises:
    OSError: if it cannot be read.
    ValueError: if it does not say how members are fused.
  """
  file = user_path(workdir) / FILE
  try:
    content = json.loads(file.read_text('utf-8'))
    members = content['members']
    weights = np.array([member['weight'] for member in members.values()], np.float64)
    folders = {name: str(member['folder']) for name, member in members.items()}
    temperature = float(content['temperature'])
  except (ValueError, TypeError, KeyError, AttributeError) as error:
    raise ValueError(
      f'{file} does not say how members are fused ({error!r}); run the command that'
      ' trained the ensemble again'
    ) from error
  if not folders or weights.ndim not in (1, 2) or not np.isfinite(weights).all():
    raise ValueError(
      f'{file} has the weights {weights.tolist()}, but needs one finite number, or one'
      ' list of them, per member; run the command that trained the ensemble again'
    )
  return FusedMembers(folders, weights, temperature)
