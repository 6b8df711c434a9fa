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

from absl import app, flags

_FORMAT = flags.DEFINE_string(
  'format', None, 'Format of --poses. Default: that of the named data set.'
)
_POSES = flags.DEFINE_string(
  'poses', None, 'File or folder to read; not for a data set that is generated.'
)
_SKELETON = flags.DEFINE_string(
  'skeleton',
  None,
  'Joint layout of --poses: a registered name, or a file *.yaml or *.json of your own.'
  ' Default: that of the format or of the named data set.',
)
_DATASET = flags.DEFINE_string(
  'dataset', None, 'Name of the data set, if the library knows its splits.'
)
_ANNOTATIONS = flags.DEFINE_string(
  'annotations',
  None,
  'Folder of the official annotation of the named data set, for --poses (several with a'
  ' comma between) that know neither classes nor splits.',
)
_FRAME_SIZE = flags.DEFINE_string(
  'frame_size',
  None,
  'HEIGHTxWIDTH of the frames in pixels, where neither files nor videos.csv say it.',
)
_MAX_PEOPLE = flags.DEFINE_integer(
  'max_people', None, 'Of a frame, the most prominent are kept. Default: 5.'
)
_PER_PERSON = flags.DEFINE_bool(
  'per_person', None, 'Make a clip of each person of a video, VIDEO#0, VIDEO#1, ...'
)
_REPORT = flags.DEFINE_string('report', None, 'JSON file to write all findings to.')
_PICTURE = flags.DEFINE_string(
  'picture', None, 'PNG file to draw some of the clips to.'
)


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'there are no arguments without a flag, but got {argv[1:]}')
  if not _DATASET.value and not (_FORMAT.value and _POSES.value):
    raise app.UsageError('give --format and --poses, or the --dataset that they are of')
  if _ANNOTATIONS.value and not _DATASET.value:
    raise app.UsageError('--annotations only matter to a named --dataset')
  for flag in (_REPORT, _PICTURE):
    if flag.value and not pathlib.Path(flag.value).absolute().parent.is_dir():
      raise app.UsageError(f'--{flag.name}={flag.value}: there is no such folder')

  # Only now, so that --help and wrong flags are answered at once.
  from input_pipeline.catalog.protocols import PROTOCOLS
  from input_pipeline.errors import PoseDataError, PoseDatasetError, SkeletonError
  from input_pipeline.validation.validate import validate
  from input_pipeline.validation.validation_report import as_json, as_text

  try:
    source = _load()
  except (OSError, PoseDataError, PoseDatasetError, SkeletonError) as error:
    sys.exit(f'error: {error}')
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
  from input_pipeline.readers.options import options_of_flags
  from input_pipeline.readers.registry import read_poses

  options = options_of_flags(
    frame_size=_FRAME_SIZE.value,
    max_people=_MAX_PEOPLE.value,
    per_person=_PER_PERSON.value,
  )
  if not _DATASET.value:
    format, poses = str(_FORMAT.value), str(_POSES.value)
    return read_poses(format, poses, skeleton=_SKELETON.value, options=options)
  return load_source(
    _DATASET.value,
    format=_FORMAT.value,
    poses=_POSES.value,
    skeleton=_SKELETON.value,
    options=options,
    annotations=_ANNOTATIONS.value,
  )


def _draw(source, validation):
  from input_pipeline.poses.sources import PoseSource
  from pose_action.plots.drawing import save_png
  from report_lib.validation_sheet import validation_sheet

  if not isinstance(source, PoseSource) or not validation.clips:
    print('no picture: there are no poses to draw')
    return
  name = _DATASET.value or pathlib.Path(str(_POSES.value)).name
  save_png(str(_PICTURE.value), validation_sheet(source, validation, name))
  print(f'wrote {_PICTURE.value}')


if __name__ == '__main__':
  app.run(main)
