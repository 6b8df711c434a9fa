"""What the runs of a sweep measure: one model's figures, or those of several fused."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from pose_action.evaluation import metrics, score_files
from pose_action.fusion import fusion

_FIGURES = ('accuracy', 'mean_class_accuracy', 'charades_mAP', 'mAP')


def sample_figures(workdirs: Sequence[pathlib.Path]) -> dict[str, float] | None:
  """The figures of one run, or of the mean of several runs' probabilities, %.

  Which checkpoint on which split speaks for a run, its `results.json` says itself.

  Args:
    workdirs: of one run, or of a run of each stream; PA3D's ∪ (Sec. 4.1), whose formula
      is ours.

  Returns:
    `accuracy` and `mean_class_accuracy`, or `mAP`, and what the protocol asks for; None
    until every run has results.

  Raises:
    ValueError: where a file does not hold what it should, or the streams are not of the
      same split, videos and classes.
  """
  if not all((workdir / 'results.json').exists() for workdir in workdirs):
    return None
  entries = [_headline_entry(workdir) for workdir in workdirs]
  if len(entries) == 1:
    return _in_percent(entries[0])
  splits = {str(w): e['split'] for w, e in zip(workdirs, entries, strict=True)}
  if len(set(splits.values())) > 1:
    raise ValueError(
      f'scores to fuse must be of one split, but the headlines are of {splits}; train the'
      ' runs with the same options'
    )
  files = [str(w / e['scores']) for w, e in zip(workdirs, entries, strict=True)]
  streams, _ = score_files.read_streams(files)
  if streams.labels is None:
    raise ValueError(
      f'none of {", ".join(files)} has labels; evaluate the runs again (main.py'
      ' --mode=evaluate)'
    )
  fused = fusion.weighted_mean(streams.probabilities, np.ones(len(files)))
  asked = [name for name in _FIGURES if name in entries[0]]
  return _in_percent(metrics.figures(fused, streams.labels, asked))


def _headline_entry(workdir: pathlib.Path) -> dict[str, Any]:
  file = workdir / 'results.json'
  results = json.loads(file.read_text('utf-8'))
  chosen = results['headline']
  for entry in results['evaluations']:
    if all(entry[name] == chosen[name] for name in ('split', 'checkpoint')):
      return entry
  raise ValueError(
    f'{file} has no evaluation of {chosen}, which it calls its headline; delete it and'
    ' evaluate the run again (main.py --mode=evaluate)'
  )


def _in_percent(figures: dict[str, Any]) -> dict[str, float]:
  return {name: 100 * figures[name] for name in _FIGURES if name in figures}
