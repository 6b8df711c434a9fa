"""What an evaluation leaves in the workdir: results, scores, tables and a picture."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import pathlib
import shlex
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from report_lib import plots
from train_lib import metrics

_TOP = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
  """The scores of one checkpoint on one split, checked when made.

  Attributes:
    split: as the source names it (`test1`); part of file names.
    checkpoint: 'last', or 'best' on the split that checkpoints are selected by.
    step: of the checkpoint.
    video_ids: `b` of them, none twice.
    scores: float32 `[b, k]` probabilities.
    labels: int32 `[b]` class indices.
    class_names: `k` of them.
    views: clips of each video whose scores were averaged.

  Raises:
    ValueError: naming the split, the field, what it holds and what it must hold.
  """

  split: str
  checkpoint: Literal['last', 'best']
  step: int
  video_ids: Sequence[str]
  scores: Float[np.ndarray, 'b k']
  labels: Int[np.ndarray, ' b']
  class_names: Sequence[str]
  views: int

  def __post_init__(self):
    set_field = object.__setattr__  # The dataclass is frozen for everyone else.
    set_field(self, 'scores', np.asarray(self.scores, np.float32))
    set_field(self, 'labels', np.asarray(self.labels, np.int32))
    if self.checkpoint not in ('last', 'best'):
      raise self._error(f"checkpoint is {self.checkpoint!r}; it is 'last' or 'best'")
    if not self.split or pathlib.PurePath(self.split).name != self.split:
      raise self._error('its name cannot be part of a file name')
    n, k = len(self.video_ids), len(self.class_names)
    if self.scores.shape != (n, k) or self.labels.shape != (n,) or n == 0:
      raise self._error(
        f'scores have shape {self.scores.shape} and labels {self.labels.shape}, but'
        f' {n} videos and {k} classes need ({n}, {k}) and ({n},), with at least one'
        ' video'
      )
    if len(set(self.video_ids)) < n:
      raise self._error('a video is scored twice; average the views of each video')
    low, high = self.scores.min(), self.scores.max()
    if not (low >= 0 and high <= 1 + 1e-4):  # False for NaN too; float32 sums round.
      raise self._error(
        f'scores lie in {low}..{high}, but must be probabilities in 0..1; apply softmax'
        ' or sigmoid'
      )

  def _error(self, message: str) -> ValueError:
    return ValueError(f'evaluation of split {self.split!r}: {message}')


def write_results(
  workdir: str | os.PathLike[str],
  evaluations: Sequence[Evaluation],
  *,
  dataset: str,
  protocol: str,
  selection_rule: str,
  selection_split: str | None,
) -> dict[str, Any]:
  """Writes `results.json` and, for each evaluation, its scores; returns the results.

  `per_class.csv`, `confusion_matrix.csv` and `.png` are of the headline evaluation, see
  `headline`. Each file appears whole or not at all; `results.json` comes last, so that
  what it names is there.

  Args:
    dataset: its name.
    protocol: in words, how the figures are got and by which metric they are judged.
    selection_rule: in words, how the 'best' checkpoint was chosen.
    selection_split: the split that chose it, None where nothing was chosen.

  Raises:
    ValueError: where there is no evaluation, or two of one checkpoint on one split.
  """
  workdir = pathlib.Path(workdir)
  made = [(e.split, e.checkpoint) for e in evaluations]
  if not made or len(set(made)) < len(made):
    raise ValueError(
      f'evaluations are {made}, but need at least one, and no checkpoint twice on a'
      ' split'
    )
  chosen = headline(evaluations, selection_split)
  results = {
    'dataset': dataset,
    'protocol': protocol,
    'selection_rule': selection_rule,
    'headline': {'split': chosen.split, 'checkpoint': chosen.checkpoint},
    'evaluations': [_entry(e, selection_split) for e in evaluations],
  }
  workdir.mkdir(parents=True, exist_ok=True)
  for evaluation in evaluations:
    _replace(workdir / _scores_file(evaluation), _npz(evaluation))
  _write_class_tables(workdir, chosen)
  text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)
  _replace(workdir / 'results.json', f'{text}\n'.encode())
  return results


def headline(
  evaluations: Sequence[Evaluation], selection_split: str | None
) -> Evaluation:
  """The evaluation that speaks for the run.

  The first split that selected nothing (the test split), by the selected checkpoint
  where there is one. With nothing but the selection split, the last checkpoint: the
  best on the very split that chose it is optimistic.
  """
  unseen = [e for e in evaluations if e.split != selection_split]
  if not unseen:
    return min(evaluations, key=lambda e: e.checkpoint != 'last')
  of_split = [e for e in unseen if e.split == unseen[0].split]
  return min(of_split, key=lambda e: e.checkpoint != 'best')


def results_table(results: dict[str, Any], workdir: str | os.PathLike[str]) -> str:
  """The results in a table for the terminal, and where to look further."""
  rows = [['split', 'checkpoint', 'step', 'clips', 'views', *_FIGURES.values()]]
  for entry in results['evaluations']:
    star = ' *' if entry.get('selected_on_this_split') else ''
    figures = [f'{100 * entry[f]:.1f} %' if f in entry else '–' for f in _FIGURES]
    counts = [str(entry[name]) for name in ('step', 'num_clips', 'views')]
    rows.append([entry['split'], entry['checkpoint'] + star, *counts, *figures])
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  lines = [f'{results["dataset"]}: {results["protocol"]}']
  for split, checkpoint, *numbers in rows:
    names = f'{split:<{widths[0]}}  {checkpoint:<{widths[1]}}'
    aligned = (f'{n:>{w}}' for n, w in zip(numbers, widths[2:], strict=True))
    lines.append('  '.join((names, *aligned)))
  if any('selected_on_this_split' in entry for entry in results['evaluations']):
    lines.append('* selected on the split it is measured on, so optimistic')
  chosen, workdir = results['headline'], pathlib.Path(workdir)
  lines += [
    '',
    f'Classes of {chosen["split"]}, {chosen["checkpoint"]} checkpoint:'
    f' {workdir / "per_class.csv"}',
    'Pictures: ' + ', '.join(str(path) for path in sorted(workdir.glob('*.png'))),
    f'Curves and pictures: tensorboard --logdir={shlex.quote(str(workdir))}',
  ]
  return '\n'.join(lines)


# The figures of an entry and their headings in the terminal.
_FIGURES = {
  'accuracy': 'accuracy',
  'mean_class_accuracy': 'mean class',
  'top5': 'top 5',
}


def _entry(evaluation: Evaluation, selection_split: str | None) -> dict[str, Any]:
  scores, labels = evaluation.scores, evaluation.labels
  entry = {
    'split': evaluation.split,
    'checkpoint': evaluation.checkpoint,
    'step': int(evaluation.step),
    'num_clips': len(labels),
    'views': int(evaluation.views),
    'accuracy': metrics.accuracy(scores, labels),
    'mean_class_accuracy': metrics.mean_class_accuracy(scores, labels),
  }
  if len(evaluation.class_names) > _TOP:
    entry['top5'] = metrics.top_k_accuracy(scores, labels, _TOP)
  if evaluation.checkpoint == 'best' and evaluation.split == selection_split:
    entry['selected_on_this_split'] = True
  entry['scores'] = _scores_file(evaluation)
  return entry


def _scores_file(evaluation: Evaluation) -> str:
  suffix = {'last': '', 'best': '_best'}[evaluation.checkpoint]
  return f'scores_{evaluation.split}{suffix}.npz'


def _npz(evaluation: Evaluation) -> bytes:
  """`video_ids`, `scores`, `labels`, `class_names`; strings as unicode, no pickles."""
  file = io.BytesIO()
  np.savez_compressed(
    file,
    video_ids=np.array(evaluation.video_ids, np.str_),
    scores=evaluation.scores,
    labels=evaluation.labels,
    class_names=np.array(evaluation.class_names, np.str_),
  )
  return file.getvalue()


def _write_class_tables(workdir: pathlib.Path, evaluation: Evaluation) -> None:
  names = list(evaluation.class_names)
  counts = metrics.confusion_matrix(evaluation.scores, evaluation.labels, len(names))
  shares = metrics.per_class_accuracy(evaluation.scores, evaluation.labels)
  per_class = [
    (name, int(row.sum()), int(row[i]), '' if np.isnan(shares[i]) else shares[i])
    for i, (name, row) in enumerate(zip(names, counts, strict=True))
  ]
  heading = ('class', 'clips', 'correct', 'accuracy')
  _replace(workdir / 'per_class.csv', _csv([heading, *per_class]))
  matrix = [(name, *row) for name, row in zip(names, counts.tolist(), strict=True)]
  heading = ('true \\ predicted', *names)
  _replace(workdir / 'confusion_matrix.csv', _csv([heading, *matrix]))
  image = plots.confusion_matrix_image(counts, names)
  plots.save_png(workdir / 'confusion_matrix.png', image)


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
  text = io.StringIO()
  csv.writer(text, lineterminator='\n').writerows(rows)
  return text.getvalue().encode()


def _replace(path: pathlib.Path, content: bytes) -> None:
  """Writes beside, then renames: a reader or a kill never meets half a file."""
  unfinished = path.with_name(f'{path.name}.tmp')
  unfinished.write_bytes(content)
  os.replace(unfinished, path)
