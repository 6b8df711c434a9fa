"""Checks poses before anything is trained on them.

  python tools/validate_poses.py --format=pyskl --poses=jhmdb.pkl --skeleton=jhmdb \\
    --report=jhmdb.json --picture=jhmdb.png

Prints what the poses contain (clips, splits, classes, frames, people, joints) and what is
wrong or may be. The exit status is 1 if there is an error: poses that cannot be read, a
clip that appears twice or in both training and test, a split without a usable clip, a
label without a class. Warnings are for you to judge, best with the picture.

For the folder of an exported data set, it checks instead that every file is as it was
written:

  pose-action validate data/jhmdb
"""

import functools
import pathlib
import sys

from pose_action.cli.launch.pose_flags import define_pose_flags
from pose_action.cli.launch.program import Flags, UsageError, refuse_arguments
from pose_action.host import atomic_files
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_POSES = define_pose_flags(FLAGS)
_DATASET = FLAGS.string(
  'dataset', None, 'Name of the data set, to check the clips against its splits.'
)
_ANNOTATIONS = FLAGS.string(
  'annotations',
  None,
  'Folder with the official annotation of --dataset, for --poses without classes and'
  ' splits. Separate several folders with commas.',
)
_GROUP_BY = FLAGS.string(
  'group_by',
  'auto',
  'How clips are grouped by source, which must not be in both training and test: auto,'
  ' none, column (of videos.csv), jhmdb, hmdb51, ucf, youtube, ntu, ava, or a regular'
  ' expression with one group, searched in each name.',
)
_REPORT = FLAGS.string('report', None, 'JSON file to write all findings to.')
_PICTURE = FLAGS.string(
  'picture', None, 'PNG file to draw some clips to, suspicious clips first.'
)


def main(args):
  if len(args) == 1 and not _POSES.poses.value:
    FLAGS.values['poses'].value, args = args[0], []
  refuse_arguments(args)
  _check_flags()
  if _POSES.poses.value and _check_stored():
    return

  # Imported here, so that --help and mistyped flags are answered at once.
  from input_pipeline.catalog.protocols import PROTOCOLS
  from input_pipeline.poses.sources import source_notes
  from input_pipeline.validation.validate import validate
  from input_pipeline.validation.validation_report import as_json, as_text

  source = _load()
  for note in source_notes(source):
    if not note.is_warning:  # The report has the warnings.
      print(f'note: {note.message}')
  protocol = PROTOCOLS.get(_DATASET.value or '')
  progress = functools.partial(print, file=sys.stderr, flush=True)
  pairs = protocol.splits if protocol else ()
  validation = validate(source, pairs, progress, _GROUP_BY.value)
  print(as_text(validation))
  if _REPORT.value:
    atomic_files.write_json(_REPORT.value, as_json(validation))
    print(f'wrote {_REPORT.value}')
  if _PICTURE.value:
    _draw(source, validation)
  if validation.errors:
    sys.exit(1)


def _check_stored() -> bool:
  """Checks exported data sets at --poses; returns whether there are any.

  Raises:
    SystemExit: if one is damaged.
  """
  from input_pipeline.storage.paths import is_remote
  from input_pipeline.validation.stored_dataset import check_stored, datasets_at

  path = str(_POSES.poses.value)
  if not is_remote(path) and not user_path(path).is_dir():
    return False
  found = datasets_at(path)
  progress = functools.partial(print, file=sys.stderr, flush=True)
  whole = True
  for directory in found:
    lines, is_whole = check_stored(directory, progress)
    print('\n'.join(lines))
    whole = whole and is_whole
  if not whole:
    sys.exit(1)
  return bool(found)


def _check_flags():
  if not _DATASET.value and not _POSES.poses.value:
    raise UsageError('give --poses, or the name of a known --dataset')
  if _ANNOTATIONS.value and not _DATASET.value:
    raise UsageError('--annotations can only be set with --dataset')
  for flag in (_REPORT, _PICTURE):
    if flag.value and not (folder := user_path(flag.value).absolute().parent).is_dir():
      raise UsageError(f'--{flag.name}={flag.value}: there is no folder {folder}')


def _load():
  """The poses that the flags name."""
  from input_pipeline.catalog.open_source import load_source
  from input_pipeline.readers.registry import AUTO, read_poses

  options = _POSES.options()
  if not _DATASET.value:
    return read_poses(
      _POSES.format.value or AUTO,
      str(_POSES.poses.value),
      skeleton=_POSES.skeleton.value,
      options=options,
    )
  return load_source(
    _DATASET.value,
    format=_POSES.format.value,
    poses=_POSES.poses.value,
    skeleton=_POSES.skeleton.value,
    options=options,
    annotations=_ANNOTATIONS.value,
  )


def _draw(source, validation):
  """Writes --picture."""
  from input_pipeline.poses.sources import PoseSource
  from pose_action.cli.validation_sheet import validation_sheet
  from pose_action.plots.drawing import save_png

  if not isinstance(source, PoseSource) or not validation.clips:
    print('no picture: these clips have no poses to draw')
    return
  name = _DATASET.value or pathlib.Path(str(_POSES.poses.value)).name
  save_png(str(_PICTURE.value), validation_sheet(source, validation, name))
  print(f'wrote {_PICTURE.value}')
