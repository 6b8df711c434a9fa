"""Looks through poses before anything is trained on them.

  python tools/validate_poses.py --format=pyskl --poses=jhmdb.pkl --skeleton=jhmdb \\
    --report=jhmdb.json --picture=jhmdb.png

Prints what there is (clips, splits, classes, frames, people, joints) and what is wrong
or may be. Ends with status 1 where there is an error: poses that cannot be read, a clip
that is named twice or in training and test alike, a split without a clip that can be
used, a label that means no class. Warnings are to be looked at, best on the picture.
"""

import functools
import json
import pathlib
import sys

from pose_action.cli.pose_flags import define_pose_flags
from pose_action.cli.program import Flags, UsageError, refuse_arguments

FLAGS = Flags()
_POSES = define_pose_flags(FLAGS, default='the format or of the named data set')
_DATASET = FLAGS.string(
  'dataset', None, 'Name of the data set, if the library knows its splits.'
)
_ANNOTATIONS = FLAGS.string(
  'annotations',
  None,
  'Folder of the official annotation of the named data set, for --poses (several with a'
  ' comma between) that know neither classes nor splits.',
)
_REPORT = FLAGS.string('report', None, 'JSON file to write all findings to.')
_PICTURE = FLAGS.string('picture', None, 'PNG file to draw some of the clips to.')


def main(args):
  refuse_arguments(args)
  if not _DATASET.value and not (_POSES.format.value and _POSES.poses.value):
    raise UsageError('give --format and --poses, or the --dataset that they are of')
  if _ANNOTATIONS.value and not _DATASET.value:
    raise UsageError('--annotations only matter to a named --dataset')
  for flag in (_REPORT, _PICTURE):
    if flag.value and not pathlib.Path(flag.value).absolute().parent.is_dir():
      raise UsageError(f'--{flag.name}={flag.value}: there is no such folder')

  # Only now, so that --help and wrong flags are answered at once.
  from input_pipeline.catalog.protocols import PROTOCOLS
  from input_pipeline.validation.validate import validate
  from input_pipeline.validation.validation_report import as_json, as_text

  source = _load()
  protocol = PROTOCOLS.get(_DATASET.value or '')
  progress = functools.partial(print, file=sys.stderr, flush=True)
  validation = validate(source, protocol.splits if protocol else (), progress)
  print(as_text(validation))
  if _REPORT.value:
    report = json.dumps(as_json(validation), indent=2, ensure_ascii=False)
    pathlib.Path(_REPORT.value).write_text(f'{report}\n', 'utf-8')
    print(f'wrote {_REPORT.value}')
  if _PICTURE.value:
    _draw(source, validation)
  if validation.errors:
    sys.exit(1)


def _load():
  from input_pipeline.catalog.open_source import load_source
  from input_pipeline.readers.registry import read_poses

  options = _POSES.options()
  if not _DATASET.value:
    format, poses = str(_POSES.format.value), str(_POSES.poses.value)
    return read_poses(format, poses, skeleton=_POSES.skeleton.value, options=options)
  return load_source(
    _DATASET.value,
    format=_POSES.format.value,
    poses=_POSES.poses.value,
    skeleton=_POSES.skeleton.value,
    options=options,
    annotations=_ANNOTATIONS.value,
  )


def _draw(source, validation):
  from input_pipeline.poses.sources import PoseSource
  from pose_action.cli.validation_sheet import validation_sheet
  from pose_action.plots.drawing import save_png

  if not isinstance(source, PoseSource) or not validation.clips:
    print('no picture: there are no poses to draw')
    return
  name = _DATASET.value or pathlib.Path(str(_POSES.poses.value)).name
  save_png(str(_PICTURE.value), validation_sheet(source, validation, name))
  print(f'wrote {_PICTURE.value}')
