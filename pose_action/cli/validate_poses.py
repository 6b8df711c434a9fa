"""Checks poses before anything is trained on them.

  python tools/validate_poses.py --format=pyskl --poses=jhmdb.pkl --skeleton=jhmdb \\
    --report=jhmdb.json --picture=jhmdb.png

Prints what the poses contain (clips, splits, classes, frames, people, joints) and what is
wrong or may be. The exit status is 1 if there is an error: poses that cannot be read, a
clip that appears twice or in both training and test, a split without a usable clip, a
label without a class. Warnings are for you to judge, best with the picture.

A SOURCE may be given instead of --poses: poses; a data set on disk, by its folder or by
its name in --data_dir; or a video, whose poses are found first by --extractor. Every file of
a data set is also compared with what was written:

  pose-action validate data/jhmdb
  pose-action validate mine --data_dir=data
"""

import functools
import pathlib
import sys

from pose_action.cli.launch.program import Flags, UsageError, refuse_arguments
from pose_action.cli.launch.source_flags import define_source_flags
from pose_action.host import atomic_files
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_SOURCES = define_source_flags(FLAGS, for_model=False)
_POSES = _SOURCES.poses
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
  _SOURCES.check()
  with _SOURCES.reading(None) as reading:
    source, whole = _load(reading)
    if source is not None:
      whole = _report(source) and whole
  if not whole:
    sys.exit(1)


def _report(source):
  """Checks a source, and writes what the flags ask for; returns whether it is sound."""
  from input_pipeline.catalog.protocols import PROTOCOLS
  from input_pipeline.poses.sources import source_notes
  from input_pipeline.validation.validate import validate
  from input_pipeline.validation.validation_report import as_json, as_text

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
  return not validation.errors


def _check_stored(place):
  """Checks exported data sets at a place: how many there are, and whether all are whole."""
  from input_pipeline.validation.stored_dataset import check_stored, datasets_at

  found = datasets_at(place)
  progress = functools.partial(print, file=sys.stderr, flush=True)
  whole = True
  for directory in found:
    lines, is_whole = check_stored(directory, progress)
    print('\n'.join(lines))
    whole = whole and is_whole
  return len({directory.parts[-3] for directory in found}), whole


def _check_flags():
  if not _DATASET.value and not _POSES.poses.value:
    raise UsageError('give --poses, or the name of a known --dataset')
  if _ANNOTATIONS.value and not _DATASET.value:
    raise UsageError('--annotations can only be set with --dataset')
  for flag in (_REPORT, _PICTURE):
    if flag.value and not (folder := user_path(flag.value).absolute().parent).is_dir():
      raise UsageError(f'--{flag.name}={flag.value}: there is no folder {folder}')


def _load(reading):
  """Opens what the flags name.

  Returns:
    The clips, None if only files are to be checked; and whether all files are whole.
  """
  name = _POSES.poses.value
  if _DATASET.value:
    return _load_known(reading), True
  from pose_action.sources.kinds import kind_of
  from pose_action.sources.opener import open_any

  whole = True
  if kind_of(name, data_dir=reading.data_dir, format=reading.format) == 'dataset':
    here = '://' in name or user_path(name).exists()
    place = name if here else user_path(reading.data_dir) / name
    count, whole = _check_stored(place)
    if count != 1 or not whole:  # Clips of several data sets have nothing to do.
      return None, whole
  opened = open_any(name, reading)
  for video_id, reason in opened.broken:
    print(f'error: {video_id}: {reason}')
  return opened.source, whole and not opened.broken


def _load_known(reading):
  """The poses of the data set that --dataset names, with its protocol."""
  from input_pipeline.catalog.open_source import load_source

  return load_source(
    _DATASET.value,
    format=reading.format,
    poses=_POSES.poses.value,
    skeleton=reading.skeleton,
    options=reading.options,
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
