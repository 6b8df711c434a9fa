"""Fuses the members' predictions, and writes the ensemble's results files."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections
import numpy as np

from pose_action.ensembles.fit import FusionFit, fit_fusion
from pose_action.ensembles.member_runs import say
from pose_action.evaluation.calibration import ECE, expected_calibration_error
from pose_action.evaluation.evaluation import Evaluation
from pose_action.evaluation.results import (
  headline_entry,
  results_table,
  write_results,
)
from pose_action.evaluation.score_files import Streams, read_streams
from pose_action.evaluation.unknown import abstentions
from pose_action.fusion import fusion, table
from pose_action.fusion.fused_members import FusedMembers
from pose_action.training.run_data import RunData

# By member, the workdir of the run that was trained without the held-out clips.
HeldOut = Mapping[str, pathlib.Path]


def fit_on_held_out(held_out: HeldOut, data: RunData) -> FusionFit:
  """Fits weights and temperature on what the members predict for held-out clips.

  Args:
    data: the data of any member, from which the groups of clips are taken.
  """
  streams = _streams(held_out)
  names = streams.video_ids.tolist()
  return fit_fusion(
    streams.probabilities, _labels(streams), names, _groups(names, data)
  )


def write_fused_results(
  workdir: pathlib.Path,
  config: ml_collections.ConfigDict,
  data: RunData,
  held_out: HeldOut,
  fit: FusionFit,
  fused: FusedMembers,
) -> dict[str, Any]:
  """Writes `results.json` and the fused scores; prints them; returns the results.

  The headline is the ensemble's on the test split, or without one on the held-out clips:
  each of these is then fused by weights and a temperature fitted on the others.
  """
  members = {name: workdir / folder for name, folder in fused.folders.items()}
  tested = members if config.data.test_split else None
  evaluations, shown, calibration = [], [], []
  if tested:
    streams = _streams(tested)
    probabilities = fused.fuse(streams.probabilities)
    evaluations.append(_evaluation(tested, streams, probabilities))
    shown.append((streams, probabilities))
    calibration.append(_calibration(streams, evaluations[0], fused))
  streams = _streams(held_out)
  crossed = _crossed(streams, fit, fused)
  evaluations.append(_evaluation(held_out, streams, crossed))
  shown.append((streams, crossed))
  if not tested:
    calibration.append(_calibration(streams, evaluations[0], fused))
  results = write_results(
    workdir,
    evaluations,
    dataset=config.data.dataset,
    protocol=_protocol(config, data, fit, held_out),
    selection_rule='none: the last checkpoint of each member',
    selection_split=None,
    held_out=data.holdout.to_dict() if data.holdout else None,
    notes=_notes(fit, held_out, tested),
    further={
      'ensemble': fit.to_dict(),
      'members': _entries(fused, held_out, tested),
      'calibration': calibration,
      'abstention': abstentions(evaluations, evaluations[-1].split),
    },
  )
  say(results_table(results, workdir))
  for streams, probabilities in shown:
    named = dataclasses.replace(streams, names=tuple(fused.folders))
    say('\n'.join(['', *table.table(named, fused.weights, probabilities)]))
  return results


def _streams(workdirs: HeldOut) -> Streams:
  """What each member predicts for the split of its headline result."""
  files = [
    str(folder / headline_entry(folder)['scores']) for folder in workdirs.values()
  ]
  streams, _ = read_streams(files)
  return streams


def _labels(streams: Streams) -> np.ndarray:
  if streams.labels is None:
    raise ValueError(
      f'none of {", ".join(streams.names)} has labels; evaluate the ensemble again'
    )
  return streams.labels


def _groups(names: Sequence[str], data: RunData) -> list[str]:
  """The group of each held-out clip: clips of one source video share it."""
  assert data.holdout is not None and data.validation is not None
  groups = np.array(data.holdout.groups.names, np.str_)[data.holdout.mask]
  of_clip = dict(zip(data.validation.video_ids, groups.tolist(), strict=True))
  return [of_clip[name] for name in names]


def _crossed(streams: Streams, fit: FusionFit, fused: FusedMembers) -> np.ndarray:
  """Held-out clips fused by what was fitted on others; by all where there is one group."""
  if fit.chosen is None:
    return fused.fuse(streams.probabilities)
  return fit.chosen.probabilities


def _evaluation(
  workdirs: HeldOut, streams: Streams, probabilities: np.ndarray
) -> Evaluation:
  entries = [headline_entry(folder) for folder in workdirs.values()]
  return Evaluation(
    split=entries[0]['split'],
    checkpoint='last',
    step=max(entry['step'] for entry in entries),
    video_ids=streams.video_ids.tolist(),
    scores=probabilities,
    labels=_labels(streams),
    class_names=[] if streams.class_names is None else streams.class_names.tolist(),
    views=max(entry['views'] for entry in entries),
    asked=streams.asked,
  )


def _calibration(
  streams: Streams, evaluation: Evaluation, fused: FusedMembers
) -> dict[str, Any]:
  """In the form of `calibration.calibrations`; the evaluation's scores are those after."""
  found = {
    'checkpoint': evaluation.checkpoint,
    'step': evaluation.step,
    'fitted_on': 'validation',
    'temperature': fused.temperature,
  }
  if evaluation.multi_label:
    return found
  before = fusion.weighted_logits(streams.probabilities, fused.weights)
  labels = evaluation.labels
  return found | {
    'split': evaluation.split,
    f'{ECE}_before': expected_calibration_error(before, labels),
    f'{ECE}_after': expected_calibration_error(evaluation.scores, labels),
  }


def _entries(
  fused: FusedMembers, held_out: HeldOut, tested: HeldOut | None
) -> dict[str, Any]:
  """Each member's weight, folder, and its own headline evaluations."""
  return {
    name: {
      'folder': fused.folders[name],
      'weight': weight,
      **({'test': headline_entry(tested[name])} if tested else {}),
      'held_out': headline_entry(held_out[name]),
    }
    for name, weight in zip(fused.folders, fused.weights.tolist(), strict=True)
  }


def _protocol(
  config: ml_collections.ConfigDict,
  data: RunData,
  fit: FusionFit,
  held_out: HeldOut,
) -> str:
  assert data.holdout is not None
  chosen = 'fitted' if fit.is_fitted else 'equal'
  return (
    f'ensemble of {len(held_out)} ({", ".join(held_out)}), each trained on all of'
    f' {config.data.train_split}; {chosen} weights and the temperature from members'
    f' trained without fold {data.holdout.fold} of {data.holdout.folds}; folds'
    f' {data.holdout.by}'
  )


def _notes(fit: FusionFit, held_out: HeldOut, tested: HeldOut | None) -> list[str]:
  """What a reader must know: the members' own notes, and what validation is here."""
  notes = [fit.note] if fit.note else []
  for folder in (tested or {}).values():
    own = json.loads((folder / 'results.json').read_text('utf-8'))['notes']
    notes += [note for note in own if note not in notes]
  models = 'models that were trained without the held-out clips'
  if fit.chosen is None:
    notes.append(
      f'validation: {models}, fused by the temperature that was fitted on these clips'
    )
  else:
    notes.append(
      f'validation: {models}; cross-validated: each clip is fused by weights and a'
      ' temperature fitted on the other held-out clips'
    )
  return notes
