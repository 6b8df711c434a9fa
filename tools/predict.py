"""Says what the model of a workdir sees in clips of poses.

  python tools/predict.py --workdir=/tmp/jmrn_jhmdb --poses=jhmdb.pkl --format=pyskl

Prints the top classes of each clip, and of a JMRN the weights of its joints. A clip that
cannot be used is named with the reason, and does not stop the rest.
"""

import logging
import sys

from absl import app, flags

_WORKDIR = flags.DEFINE_string(
  'workdir', None, 'Of a run, or of imported weights.', required=True
)
_POSES = flags.DEFINE_string('poses', None, 'File or folder to read.', required=True)
_FORMAT = flags.DEFINE_string(
  'format', None, "Format of --poses. Default: that of the run's data set."
)
_SKELETON = flags.DEFINE_string(
  'skeleton', None, "Joint layout of --poses. Default: that of the run's data set."
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
  'per_person', None, 'Predict for each person of a video, VIDEO#0, VIDEO#1, ...'
)
_VIDEO_IDS = flags.DEFINE_list('video_ids', None, 'Which clips. Default: all.')
_TOP = flags.DEFINE_integer('top', 5, 'How many classes to print.', lower_bound=1)
_CHECKPOINT = flags.DEFINE_enum(
  'checkpoint', 'best', ['best', 'last'], 'Which one, by validation.'
)


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'there are no arguments without a flag, but got {argv[1:]}')

  # JAX tells of every backend that this machine does not have.
  logging.getLogger('jax._src.xla_bridge').setLevel(logging.WARNING)
  # Only now, so that --help and wrong flags are answered at once.
  from inference_lib.prediction_text import describe, load_clip, offered_clips
  from inference_lib.predictor import Predictor, PredictorError
  from input_pipeline.catalog.open_source import load_source
  from input_pipeline.errors import PoseDataError, PoseDatasetError, SkeletonError
  from input_pipeline.readers.options import options_of_flags

  try:
    predictor = Predictor.from_workdir(_WORKDIR.value, checkpoint=_CHECKPOINT.value)
    data = predictor.config.data
    source = load_source(
      data.dataset,
      format=_FORMAT.value or data.format or None,
      poses=_POSES.value,
      skeleton=_SKELETON.value or data.skeleton or None,
      options=options_of_flags(
        frame_size=_FRAME_SIZE.value,
        max_people=_MAX_PEOPLE.value,
        per_person=_PER_PERSON.value,
      ),
    )
    failed = 0
    for video_id in offered_clips(source, _VIDEO_IDS.value):
      try:
        clip = load_clip(source, video_id, predictor)
      except PoseDataError as error:
        failed += 1
        print(f'{video_id}: cannot be used: {error}', flush=True)
        continue
      print(describe(predictor, clip, predictor(clip), top=_TOP.value), flush=True)
  except (
    OSError,
    PoseDataError,
    PoseDatasetError,
    PredictorError,
    SkeletonError,
  ) as error:
    sys.exit(f'error: {error}')
  if failed:
    clips = '1 clip' if failed == 1 else f'{failed} clips'
    sys.exit(f'error: {clips} could not be used; see above')


if __name__ == '__main__':
  app.run(main)
