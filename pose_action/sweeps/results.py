"""The figures of a sweep's runs: of one model, or of several fused models."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from pose_action.evaluation import metrics, score_files
from pose_action.evaluation.results import headline_entry
from pose_action.fusion import fusion

_FIGURES = ('accuracy', 'mean_class_accuracy', 'charades_mAP', 'mAP')


def sample_figures(workdirs: Sequence[pathlib.Path]) -> dict[str, float] | None:
  """The figures of one run, or of several runs' mean probabilities, in %.

  A run's `results.json` says which checkpoint and split are its headline result.

  Args:
    workdirs: folder of one run, or of one run per stream. Several are fused as PA3D's ∪
      (Sec. 4.1); the paper gives no formula, and the mean is our choice.

  Returns:
    `accuracy` and `mean_class_accuracy`, or `mAP`, plus any figure that the data set's
    protocol asks for; empty for AVA, whose results hold no figure that compares with
    papers'. None until every run has results.

  Raises:
    ValueError: if a file lacks what it should hold, or the streams differ in split,
      videos or classes.
  """
  if not all((workdir / 'results.json').exists() for workdir in workdirs):
    return None
  entries = [headline_entry(workdir) for workdir in workdirs]
  if len(entries) == 1:
    return _in_percent(entries[0])
  splits = {str(w): e['split'] for w, e in zip(workdirs, entries, strict=True)}
  if len(set(splits.values())) > 1:
    raise ValueError(
      'scores to fuse must be from the same split, but the headline results are from'
      f' {splits}; train the runs with the same options'
    )
  files = [str(w / e['scores']) for w, e in zip(workdirs, entries, strict=True)]
  streams, _ = score_files.read_streams(files)
  if streams.labels is None:
    raise ValueError(
      f'none of {", ".join(files)} has labels; evaluate the runs again (pose-action'
      ' evaluate)'
    )
  fused = fusion.weighted_mean(streams.probabilities, np.ones(len(files)))
  asked = [name for name in _FIGURES if name in entries[0]]
  if 'box_mAP' in entries[0]:  # Then the mAP of boxes is not called mAP either.
    asked.append('frame_mAP')
  return _in_percent(metrics.figures(fused, streams.labels, asked))


def _in_percent(figures: dict[str, Any]) -> dict[str, float]:
  return {name: 100 * figures[name] for name in _FIGURES if name in figures}
