"""Fuses the scores of several models for the same videos.

  python tools/fuse_scores.py --scores=/tmp/jmrn/scores_test.npz,i3d_test.npz:softmax \\
    --method=learned --fit_scores=/tmp/jmrn/scores_validation.npz,i3d_val.npz:softmax \\
    --output=/tmp/fused.npz

A file of scores is written by an evaluation, or comes from another model: `video_ids`
(text), `scores` [videos, classes] and, if known, `labels` and `class_names`. Scores are
probabilities. If they are logits, add `:softmax` to the file's name, or `:sigmoid` for
data with several labels per video. Videos are matched by id, classes by name.

Methods:
  mean     the mean of the models' probabilities;
  fixed    their mean with --weights;
  learned  JMRN's weighted sum of logits. The weights are fitted on --fit_scores, the
           same models' scores for held-out training videos: one weight per model, or
           with several labels per video one per model and class.
"""

import re
from collections.abc import Sequence

from pose_action.cli.launch.program import Flags, UsageError, refuse_arguments
from pose_action.host import atomic_files
from pose_action.host.user_paths import existing_whole, user_path

FLAGS = Flags()
_SCORES = FLAGS.list(
  'scores', None, 'Files of scores to fuse: two or more, one per model.', required=True
)
_METHOD = FLAGS.enum(
  'method',
  'mean',
  ['mean', 'fixed', 'learned'],
  'How to fuse the scores; see above.',
)
_WEIGHTS = FLAGS.list(
  'weights',
  None,
  'For --method=fixed: the weight of each file, a number ≥ 0. Weights are divided by'
  ' their sum.',
)
_FIT_SCORES = FLAGS.list(
  'fit_scores',
  None,
  'For --method=learned: files of scores with labels, one per model, in the order of'
  ' --scores.',
)
_ALLOW_MISSING = FLAGS.bool(
  'allow_missing',
  False,
  'If some files lack videos, fuse only the videos that all files have.',
)
_OUTPUT = FLAGS.string(
  'output', None, 'File to write the fused scores to (*.npz).', required=True
)
_PER_CLASS = FLAGS.string(
  'per_class', None, "CSV file to write every class's figures to."
)


def main(args):
  refuse_arguments(args)
  _check_flags()

  # Imported here, so that --help and mistyped flags are answered at once.
  from pose_action.fusion import table as fusion_table
  from pose_action.fusion.fuse import fuse_scores

  files, fit_files = _files(_SCORES.value) or (), _files(_FIT_SCORES.value)
  fused = fuse_scores(
    files,
    method=_METHOD.value,
    weights=_fixed_weights(),
    fit_scores=fit_files,
    allow_missing=_ALLOW_MISSING.value,
  )
  streams = fused.streams
  if _PER_CLASS.value and streams.labels is None:
    raise ValueError(
      f'--per_class needs labels, but none of {", ".join(streams.names)} has any; omit'
      ' the flag, or add labels to one file'
    )
  lines = fusion_table.heading(streams, fused.fit, fused.how)
  lines += ['', *fusion_table.table(streams, fused.weights, fused.probabilities)]
  if streams.labels is not None:
    videos, figures = fusion_table.class_figures(streams, fused.probabilities)
    lines += ['', *fusion_table.gains(streams, videos, figures)]
    if _PER_CLASS.value:
      atomic_files.write_bytes(
        _PER_CLASS.value, fusion_table.class_csv(streams, videos, figures)
      )
  fused.save(_OUTPUT.value)
  print('\n'.join([*lines, '', f'Fused scores: {_OUTPUT.value}']))


def _check_flags():
  files, fit_files = _files(_SCORES.value) or (), _files(_FIT_SCORES.value)
  method = _METHOD.value
  if len(files) < 2:
    raise UsageError(
      f'--scores has {len(files)} file, but needs two or more: {",".join(files)}'
    )
  if (_WEIGHTS.value is not None) != (method == 'fixed'):
    raise UsageError(
      f'--weights and --method=fixed need each other, but the method is {method}'
    )
  if (fit_files is not None) != (method == 'learned'):
    raise UsageError(
      f'--fit_scores and --method=learned need each other, but the method is {method}'
    )
  if fit_files is not None and len(fit_files) != len(files):
    raise UsageError(
      f'--fit_scores has {len(fit_files)} files, but --scores has {len(files)}; give one'
      ' file per model, in the same order'
    )
  if not _OUTPUT.value.endswith('.npz'):
    raise UsageError(f'--output is {_OUTPUT.value}, but must end in .npz')
  read = [file.partition('.npz:')[0] for file in (*files, *(fit_files or ()))]
  read = [file if file.endswith('.npz') else f'{file}.npz' for file in read]
  if user_path(_OUTPUT.value).resolve() in [user_path(f).resolve() for f in read]:
    raise UsageError(f'--output={_OUTPUT.value} is also an input; give another file')


def _files(parts: Sequence[str] | None) -> tuple[str, ...] | None:
  """The files in a list, in which a file's own name may hold commas."""
  if parts is None:
    return None
  return existing_whole(
    parts, lambda file: user_path(re.sub(r'(?<=\.npz):\w+$', '', file)).exists()
  )


def _fixed_weights() -> list[float] | None:
  if _WEIGHTS.value is None:
    return None
  try:
    return [float(weight) for weight in _WEIGHTS.value]
  except ValueError as error:
    raise ValueError(
      f'--weights is {",".join(_WEIGHTS.value)}, but must be numbers, such as 2,1'
    ) from error
