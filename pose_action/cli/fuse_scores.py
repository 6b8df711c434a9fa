"""Fuses the scores of several models of the same videos.

  python tools/fuse_scores.py --scores=/tmp/jmrn/scores_test.npz,i3d_test.npz:softmax \\
    --method=learned --fit_scores=/tmp/jmrn/scores_validation.npz,i3d_val.npz:softmax \\
    --output=/tmp/fused.npz

A file is what an evaluation leaves, or an outside model's: `video_ids` (text), `scores`
[videos, classes] and, where they are known, `labels` and `class_names`. Scores are
probabilities; after the file's name `:softmax`, or `:sigmoid` for several labels a video,
says that they are logits. Videos are matched by id, classes by name.

Methods: `mean` of probabilities; `fixed`, their mean by --weights; `learned`, JMRN's
weighted sum of logits, by a weight a model (of several labels a video, a model and class)
that is fitted on --fit_scores: the same models' scores of held-out training videos.
"""

import os

from pose_action.cli.program import Flags, UsageError, refuse_arguments
from pose_action.host import atomic_files

FLAGS = Flags()
_SCORES = FLAGS.list('scores', None, 'Two files or more.', required=True)
_METHOD = FLAGS.enum('method', 'mean', ['mean', 'fixed', 'learned'], 'What fuses them.')
_WEIGHTS = FLAGS.list(
  'weights', None, 'For fixed: a number ≥ 0 a file; divided by their sum.'
)
_FIT_SCORES = FLAGS.list(
  'fit_scores', None, 'For learned: a file with labels of each model, in order.'
)
_ALLOW_MISSING = FLAGS.bool(
  'allow_missing',
  False,
  'Fuse the videos that all files have, though some lack others.',
)
_OUTPUT = FLAGS.string('output', None, 'Takes the fused scores.', required=True)
_PER_CLASS = FLAGS.string('per_class', None, "Takes every class's figures, csv.")


def main(args):
  refuse_arguments(args)
  _check_flags()

  # Only now, so that --help and wrong flags are answered at once.
  from pose_action.evaluation import score_files
  from pose_action.fusion import table as fusion_table

  streams, fit = score_files.read_streams(
    _SCORES.value, _FIT_SCORES.value or (), allow_missing=_ALLOW_MISSING.value
  )
  _check_files(streams, fit)
  weights, fused, how = _fuse(streams, fit)
  lines = fusion_table.heading(streams, fit, how)
  lines += ['', *fusion_table.table(streams, weights, fused)]
  if streams.labels is not None:
    videos, of_classes = fusion_table.class_figures(streams, fused)
    lines += ['', *fusion_table.gains(streams, videos, of_classes)]
    if _PER_CLASS.value:
      atomic_files.write_bytes(
        _PER_CLASS.value, fusion_table.class_csv(streams, videos, of_classes)
      )
  atomic_files.write_bytes(_OUTPUT.value, score_files.fused_npz(streams, fused))
  print('\n'.join([*lines, '', f'Fused scores: {_OUTPUT.value}']))


def _check_flags():
  files, fit_files, method = _SCORES.value, _FIT_SCORES.value, _METHOD.value
  if len(files) < 2:
    raise UsageError(f'--scores is {files}, but fusing takes two files or more')
  if (_WEIGHTS.value is not None) != (method == 'fixed'):
    raise UsageError(
      f'--weights go with --method=fixed, which needs them; the method is {method}'
    )
  if (fit_files is not None) != (method == 'learned'):
    raise UsageError(
      f'--fit_scores go with --method=learned, which needs them; the method is {method}'
    )
  if fit_files is not None and len(fit_files) != len(files):
    raise UsageError(
      f'--fit_scores are {len(fit_files)} files, but --scores {len(files)}; give one a'
      ' model, in the same order'
    )
  if not _OUTPUT.value.endswith('.npz'):
    raise UsageError(f'--output is {_OUTPUT.value}, but must end in .npz')


def _check_files(streams, fit):
  """What is asked of the files is checked before anything is computed or written."""
  read = (*streams.names, *(fit.names if fit else ()))
  if os.path.realpath(_OUTPUT.value) in map(os.path.realpath, read):
    raise ValueError(f'--output {_OUTPUT.value} is one of the files read; name another')
  if _PER_CLASS.value and streams.labels is None:
    raise ValueError(
      f'--per_class needs labels, and none of {", ".join(streams.names)} has any; leave'
      ' the flag out, or add labels to one'
    )
  if fit is None:
    return
  if fit.labels is None:
    raise ValueError(
      f'none of {", ".join(fit.names)} has labels, to which weights are fitted; add'
      ' labels to one'
    )
  if streams.labels is not None and streams.labels.ndim != fit.labels.ndim:
    raise ValueError(
      f'one of {streams.names[0]}, {fit.names[0]} has one label a video, one has several'
    )


def _fuse(streams, fit):
  """Weights `[s]` or `[s, k]`, the fused scores `[b, k]`, and how in words."""
  import numpy as np

  from pose_action.fusion import fusion
  from pose_action.fusion import table as fusion_table

  if fit is not None:
    weights = fusion.fit_weights(fit.probabilities, fit.labels)
    fused = fusion.weighted_logits(streams.probabilities, weights)
    how = f'weighted sum of logits, {fusion_table.fit_in_words(fit, weights)}'
    return weights, fused, how
  if _WEIGHTS.value is None:
    weights, how = np.ones(len(streams.names)), 'mean of probabilities'
  else:
    weights = np.array(_fixed_weights())
    how = 'mean of probabilities by fixed weights'
  fused = fusion.weighted_mean(streams.probabilities, weights)
  return weights / weights.sum(), fused, how


def _fixed_weights() -> list[float]:
  try:
    return [float(weight) for weight in _WEIGHTS.value or ()]
  except ValueError as error:
    raise ValueError(f'--weights are {_WEIGHTS.value}, but must be numbers') from error
