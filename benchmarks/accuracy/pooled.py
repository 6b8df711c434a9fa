"""Accuracy over the test clips of several folds together: tables for docs/results.md.

    python -m benchmarks.accuracy.pooled --folds=g0,g1 --seeds=0,1,2 \\
        --poses=jhmdb_grouped.pkl --format=pyskl --skeleton=jhmdb \\
        strong=/tmp/strong_FOLD_SEED 'three=/tmp/strong_FOLD_0+/tmp/pa3d_FOLD_0'

Each row is a title and the workdirs of its runs, in which FOLD and SEED stand for each
fold and seed. Runs joined by `+` are fused, by the mean of their log-probabilities. The
clips were never chosen on: the figures are of the last checkpoint on the split `val_FOLD`,
or `--test_split`. Beside the pooled accuracy stands that of the classes with at least
`--least` clips in `train_FOLD`, or `--train_split`; ± is the standard deviation over
seeds (n - 1).
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import math
import pathlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from benchmarks.arguments import add_poses, parser_of, read_poses
from pose_action.evaluation.score_files import read_streams
from pose_action.fusion.fusion import weighted_logits
from pose_action.host.text_table import aligned


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
  """A model's answers on one fold's test clips.

  Attributes:
    right: per clip.
    labels: per clip.
  """

  right: Bool[np.ndarray, 'b']
  labels: Int[np.ndarray, 'b']


def answers(workdirs: Sequence[str], split: str) -> Answers:
  """The answers of one run, or of several fused with equal weights.

  Raises:
    FileNotFoundError: for a run without scores of the split's last checkpoint.
    ValueError: for scores of different clips, or without one label per clip.
  """
  files = [str(pathlib.Path(run) / f'scores_{split}.npz') for run in workdirs]
  streams, _ = read_streams(files)
  labels = streams.labels
  if labels is None or labels.ndim != 1:
    raise ValueError(f'{files[0]} has no single label per clip; give such a data set')
  scores = weighted_logits(streams.probabilities, np.full(len(files), 1 / len(files)))
  return Answers(scores.argmax(axis=1) == labels, labels)


def filled_classes(source: Any, split: str, least: int) -> frozenset[int]:
  """The classes with at least that many clips in a split of the source."""
  counts = collections.Counter(
    label for name in source.splits[split] for label in source.load(name).labels
  )
  return frozenset(label for label, count in counts.items() if count >= least)


def figures(
  found: Mapping[str, Answers], filled: Mapping[str, frozenset[int]]
) -> dict[str, float]:
  """The accuracy of each fold, of all clips together, and of those of filled classes.

  Args:
    found: per fold.
    filled: classes per fold.
  """
  by_fold = {fold: float(one.right.mean()) for fold, one in found.items()}
  chosen = np.concatenate(
    [
      one.right[np.isin(one.labels, sorted(filled[fold]))]
      for fold, one in found.items()
    ]
  )
  return {
    **by_fold,
    'pooled': float(np.concatenate([one.right for one in found.values()]).mean()),
    'filled': float(chosen.mean()) if len(chosen) else math.nan,
  }


def mean_and_spread(values: Sequence[float]) -> str:
  """In percent, with the standard deviation of several values."""
  mean = f'{100 * np.mean(values):.1f}'
  return f'{mean} ± {100 * np.std(values, ddof=1):.1f}' if len(values) > 1 else mean


def row_of(
  pattern: str,
  options: argparse.Namespace,
  filled: Mapping[str, frozenset[int]],
) -> list[str]:
  """The cells of one row; seeds that the pattern does not name count once."""
  by_seed = []
  for seed in options.seeds.split(',') if 'SEED' in pattern else ['']:
    runs = {
      fold: pattern.replace('SEED', seed).replace('FOLD', fold).split('+')
      for fold in filled
    }
    found = {
      fold: answers(of_fold, options.test_split.replace('FOLD', fold))
      for fold, of_fold in runs.items()
    }
    by_seed.append(figures(found, filled))
  return [mean_and_spread([one[name] for one in by_seed]) for name in by_seed[0]]


def main(argv: Sequence[str]):
  """Prints a row per model."""
  parser = parser_of('accuracy.pooled', __doc__)
  parser.add_argument('rows', nargs='+', help='TITLE=WORKDIR, or TITLE=WORKDIR+WORKDIR')
  parser.add_argument('--folds', required=True, help='names, separated by commas')
  parser.add_argument('--seeds', default='0', help='numbers, separated by commas')
  parser.add_argument('--test_split', default='val_FOLD')
  parser.add_argument('--train_split', default='train_FOLD')
  parser.add_argument('--least', type=int, default=16, help='clips of a filled class')
  add_poses(parser)
  options = parser.parse_args(argv)
  source = read_poses(options)
  filled = {
    fold: filled_classes(
      source, options.train_split.replace('FOLD', fold), options.least
    )
    for fold in options.folds.split(',')
  }
  print(f'{parser.prog} {shlex.join(argv)}')
  heads = [*filled, 'pooled', f'classes with ≥ {options.least} training clips']
  rows = [['accuracy, %', *heads]]
  for row in options.rows:
    title, _, pattern = row.partition('=')
    if not pattern:
      parser.error(f'row {row!r} is not TITLE=WORKDIR')
    try:
      rows.append([title, *row_of(pattern, options, filled)])
    except (OSError, ValueError) as error:
      parser.error(f'row {title!r}: {error}')
  print('\n'.join(aligned(rows)))
  clips = sum(
    len(source.splits[options.test_split.replace('FOLD', fold)]) for fold in filled
  )
  # The normal approximation, at the accuracy where it is widest within 60 to 100 %.
  widest = 1.96 * math.sqrt(0.6 * 0.4 / clips)
  print(f'{clips} clips: 95 % confidence within ± {100 * widest:.1f} points above 60 %')


if __name__ == '__main__':
  main(sys.argv[1:])
