"""The temperature that a run's evaluation fitted on its held-out clips."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from pose_action.host.user_paths import user_path
from pose_action.inference.errors import PredictorError


def saved_temperature(
  workdir: str | os.PathLike[str], checkpoints: Sequence[str], step: int
) -> float:
  """The temperature for a checkpoint, from the workdir's `results.json`.

  Args:
    checkpoints: names that results.json may have for it, the likeliest first.
    step: the checkpoint's step.

  Raises:
    PredictorError: if there is none, and what to do.
  """
  file = user_path(workdir) / 'results.json'
  try:
    entries = json.loads(file.read_text('utf-8')).get('calibration', [])
  except (OSError, ValueError):
    entries = []
  found = {
    entry['checkpoint']: entry['temperature']
    for entry in entries
    if entry['step'] == step
  }
  for name in checkpoints:
    if name in found:
      return float(found[name])
  raise PredictorError(
    f'config.eval.calibrate is set, but {file} has no temperature for step {step}; a run'
    ' with held-out clips has one when it is evaluated (pose-action evaluate)'
  )
