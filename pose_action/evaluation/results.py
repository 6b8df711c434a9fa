"""Writes an evaluation's results to the workdir: JSON, scores, tables and pictures."""

from __future__ import annotations

import csv
import io
import json
import os
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pose_action import plots
from pose_action.evaluation import average_precision, metrics
from pose_action.evaluation import joint_weights as joint_weight_report
from pose_action.evaluation.evaluation import Evaluation
from pose_action.host import atomic_files
from pose_action.host.text_table import aligned

_TOP = 5


def write_results(
  workdir: str | os.PathLike[str],
  evaluations: Sequence[Evaluation],
  *,
  dataset: str,
  protocol: str,
  selection_rule: str,
  selection_split: str | None,
  weights: str = 'last',
  held_out: Mapping[str, Any] | None = None,
  notes: Sequence[str] = (),
) -> dict[str, Any]:
  """Writes `results.json` and each evaluation's scores; returns the results.

  `per_class.csv`, `confusion_matrix.csv` and `.png` show the headline evaluation (see
  `headline`); so do the tables and pictures of joint weights, if it has any. With
  multi-hot labels there is no confusion matrix. Files are written atomically;
  `results.json` is last, so that all files it names exist.

  Args:
    dataset: the data set's name.
    protocol: how the figures are measured, in words.
    selection_rule: how the 'best' checkpoint was chosen, in words.
    selection_split: the split that chose it, or None.
    weights: what the run is judged by: the 'last' parameters or their 'average'.
    held_out: the rule for held-out clips and their number, if any are held out.
    notes: lines that a reader of the figures must know, such as that the test split
      chose the checkpoint.

  Raises:
    ValueError: without an evaluation, or with two of one checkpoint on one split.
  """
  workdir = pathlib.Path(workdir)
  made = [(e.split, e.checkpoint) for e in evaluations]
  if not made or len(set(made)) < len(made):
    raise ValueError(
      f'evaluations are {made}; give at least one, and each checkpoint at most once per'
      ' split'
    )
  chosen = headline(evaluations, selection_split, weights)
  results = {
    'dataset': dataset,
    'protocol': protocol,
    'selection_rule': selection_rule,
    **({'held_out': dict(held_out)} if held_out else {}),
    'headline': {'split': chosen.split, 'checkpoint': chosen.checkpoint},
    'evaluations': (entries := [_entry(e, selection_split) for e in evaluations]),
    'definitions': {n: d for n, d in metrics.DEFINITIONS.items() if n in entries[0]},
    'notes': list(notes),
  }
  workdir.mkdir(parents=True, exist_ok=True)
  for evaluation in evaluations:
    atomic_files.write_bytes(workdir / _scores_file(evaluation), _npz(evaluation))
  _write_class_tables(workdir, chosen)
  _write_joint_weights(workdir, chosen)
  text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)
  atomic_files.write_bytes(workdir / 'results.json', f'{text}\n'.encode())
  return results


def headline(
  evaluations: Sequence[Evaluation],
  selection_split: str | None,
  weights: str = 'last',
) -> Evaluation:
  """The run's headline result.

  The best checkpoint on the first split that selected nothing (the test split); the last
  checkpoint if none was selected. With only the selection split, the last checkpoint:
  the best on the split that chose it is optimistic.

  Args:
    weights: the last checkpoint's weights that count, 'last' or 'average'.
  """
  unseen = [e for e in evaluations if e.split != selection_split]
  if not unseen:
    return min(evaluations, key=lambda e: e.checkpoint != weights)
  of_split = [e for e in unseen if e.split == unseen[0].split]
  return min(of_split, key=lambda e: (e.checkpoint != 'best', e.checkpoint != weights))


def results_table(results: dict[str, Any], workdir: str | os.PathLike[str]) -> str:
  """A table of the results for the terminal, and the paths of further files."""
  entries = results['evaluations']
  headings = {n: heading for n, heading in HEADINGS.items() if n in entries[0]}
  rows = [['split', 'checkpoint', 'step', 'clips', 'views', *headings.values()]]
  for entry in entries:
    star = ' *' if entry.get('selected_on_this_split') else ''
    figures = [f'{100 * entry[name]:.1f} %' for name in headings]
    counts = [str(entry[name]) for name in ('step', 'num_clips', 'views')]
    rows.append([entry['split'], entry['checkpoint'] + star, *counts, *figures])
  lines = [f'{results["dataset"]}: {results["protocol"]}', *aligned(rows, left=2)]
  if any('selected_on_this_split' in entry for entry in entries):
    lines.append('* optimistic: selected on the same split')
  chosen, workdir = results['headline'], pathlib.Path(workdir)
  lines += [
    *results['notes'],
    '',
    f'Figures per class ({chosen["split"]}, {chosen["checkpoint"]} checkpoint):'
    f' {workdir / "per_class.csv"}',
    'Pictures: ' + ', '.join(str(path) for path in sorted(workdir.glob('*.png'))),
    f'Curves and pictures: tensorboard --logdir={shlex.quote(str(workdir))}',
  ]
  return '\n'.join(lines)


# An entry's figures, and their headings in the terminal.
HEADINGS = {
  'accuracy': 'accuracy',
  'mean_class_accuracy': 'mean class',
  'top5': 'top 5',
  'charades_mAP': 'Charades mAP',
  'mAP': 'mAP',
  'box_mAP': 'box mAP',
}


def _entry(evaluation: Evaluation, selection_split: str | None) -> dict[str, Any]:
  entry = {
    'split': evaluation.split,
    'checkpoint': evaluation.checkpoint,
    'step': int(evaluation.step),
    'num_clips': len(evaluation.labels),
    'views': int(evaluation.views),
    **_figures(evaluation),
  }
  if evaluation.checkpoint == 'best' and evaluation.split == selection_split:
    entry['selected_on_this_split'] = True
  entry['scores'] = _scores_file(evaluation)
  return entry


def _figures(evaluation: Evaluation) -> dict[str, float]:
  scores, labels = evaluation.scores, evaluation.labels
  figures = metrics.figures(scores, labels, evaluation.asked)
  del figures['loss']  # A curve of training; it compares no models.
  if not evaluation.multi_label and len(evaluation.class_names) > _TOP:
    figures['top5'] = metrics.top_k_accuracy(scores, labels, _TOP)
  return figures


def _scores_file(evaluation: Evaluation) -> str:
  suffix = '' if evaluation.checkpoint == 'last' else f'_{evaluation.checkpoint}'
  return f'scores_{evaluation.split}{suffix}.npz'


def _npz(evaluation: Evaluation) -> bytes:
  """The fields that `score_files.read_scores` reads; text as unicode, no pickles."""
  file = io.BytesIO()
  arrays: dict[str, Any] = {
    'video_ids': np.array(evaluation.video_ids, np.str_),
    'scores': evaluation.scores,
    'labels': evaluation.labels,
    'class_names': np.array(evaluation.class_names, np.str_),
  }
  if evaluation.asked:
    arrays['asked_figures'] = np.array(evaluation.asked, np.str_)
  np.savez_compressed(file, **arrays)
  return file.getvalue()


def _write_class_tables(workdir: pathlib.Path, evaluation: Evaluation) -> None:
  if evaluation.multi_label:
    _write_average_precisions(workdir, evaluation)
    return
  names = list(evaluation.class_names)
  counts = metrics.confusion_matrix(evaluation.scores, evaluation.labels, len(names))
  shares = metrics.per_class_accuracy(evaluation.scores, evaluation.labels)
  per_class = [
    (name, int(row.sum()), int(row[i]), '' if np.isnan(shares[i]) else shares[i])
    for i, (name, row) in enumerate(zip(names, counts, strict=True))
  ]
  heading = ('class', 'clips', 'correct', 'accuracy')
  atomic_files.write_bytes(workdir / 'per_class.csv', _csv([heading, *per_class]))
  matrix = [(name, *row) for name, row in zip(names, counts.tolist(), strict=True)]
  heading = ('true \\ predicted', *names)
  atomic_files.write_bytes(workdir / 'confusion_matrix.csv', _csv([heading, *matrix]))
  image = plots.confusion_matrix_image(counts, names)
  plots.save_png(workdir / 'confusion_matrix.png', image)


def _write_average_precisions(workdir: pathlib.Path, evaluation: Evaluation) -> None:
  names, labels = evaluation.class_names, evaluation.labels
  of_classes = {
    'average_precision': average_precision.per_class_average_precision(
      evaluation.scores, labels
    )
  }
  if 'charades_mAP' in evaluation.asked:
    of_classes['charades_average_precision'] = (
      average_precision.per_class_charades_precision(evaluation.scores, labels)
    )
  positives = labels.sum(axis=0, dtype=int).tolist()
  rows = [
    (name, count, *('' if np.isnan(precision) else precision for precision in own))
    for name, count, *own in zip(names, positives, *of_classes.values(), strict=True)
  ]
  heading = ('class', 'positives', *of_classes)
  atomic_files.write_bytes(workdir / 'per_class.csv', _csv([heading, *rows]))


def _write_joint_weights(workdir: pathlib.Path, evaluation: Evaluation) -> None:
  for name, rows in joint_weight_report.joint_weight_tables(evaluation).items():
    atomic_files.write_bytes(workdir / f'{name}.csv', _csv(rows))
  for name, image in joint_weight_report.joint_weight_images(evaluation).items():
    plots.save_png(workdir / f'{name}.png', image)


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
  text = io.StringIO()
  csv.writer(text, lineterminator='\n').writerows(rows)
  return text.getvalue().encode()
