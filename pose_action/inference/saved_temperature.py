"""What a run's evaluation fitted on its held-out clips: temperature and threshold."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from pose_action.host.user_paths import user_path
from pose_action.inference.errors import PredictorError

_RESULTS = 'results.json'


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
  file = user_path(workdir) / _RESULTS
  entry = _entry(file, 'calibration', checkpoints, step)
  if entry is not None:
    return float(entry['temperature'])
  raise PredictorError(
    f'config.eval.calibrate is set, but {file} has no temperature for step {step}; a run'
    ' with held-out clips has one when it is evaluated (pose-action evaluate)'
  )


def saved_threshold(
  workdir: str | os.PathLike[str],
  checkpoints: Sequence[str],
  step: int | None = None,
  *,
  calibrated: bool = False,
) -> float:
  """The threshold of "none of these" for a checkpoint, from the workdir's `results.json`.

  Args:
    checkpoints, step: as in `saved_temperature`; without a step, of any.
    calibrated: whether probabilities have the temperature.

  Raises:
    PredictorError: if there is none, and what to do.
  """
  found = stored_threshold(workdir, checkpoints, step, calibrated=calibrated)
  if found is not None:
    return found
  of_step = '' if step is None else f' for step {step}'
  raise PredictorError(
    f'{user_path(workdir) / _RESULTS} has no threshold for "none of these"{of_step}; a run on clips with one label'
    ' each, some of them held out, has one when it is evaluated (pose-action evaluate)'
  )


def stored_threshold(
  workdir: str | os.PathLike[str],
  checkpoints: Sequence[str],
  step: int | None = None,
  *,
  calibrated: bool = False,
) -> float | None:
  """The same as `saved_threshold`; None if there is none."""
  entry = _entry(user_path(workdir) / _RESULTS, 'abstention', checkpoints, step)
  if entry is None:
    return None
  return float(entry['calibrated_threshold' if calibrated else 'threshold'])


def _entry(
  file: pathlib.Path, field: str, checkpoints: Sequence[str], step: int | None
) -> dict[str, Any] | None:
  """The entry for the first of these checkpoints that has one for the step."""
  try:
    entries = json.loads(file.read_text('utf-8')).get(field, [])
  except (OSError, ValueError):
    return None
  found = {e['checkpoint']: e for e in entries if step is None or e['step'] == step}
  return next((found[name] for name in checkpoints if name in found), None)
