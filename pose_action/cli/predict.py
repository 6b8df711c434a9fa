"""Says what the model of a workdir sees in clips of poses.

  python tools/predict.py --workdir=/tmp/jmrn_jhmdb --poses=jhmdb.pkl --format=pyskl

Prints the top classes of each clip, and of a JMRN the weights of its joints. A clip that
cannot be used is named with the reason, and does not stop the rest.
"""

import sys

from pose_action.cli.pose_flags import define_pose_flags
from pose_action.cli.program import Flags, refuse_arguments

FLAGS = Flags()
_WORKDIR = FLAGS.string(
  'workdir', None, 'Of a run, or of imported weights.', required=True
)
_POSES = define_pose_flags(FLAGS, default="the run's data set", poses_required=True)
_VIDEO_IDS = FLAGS.list('video_ids', None, 'Which clips. Default: all.')
_TOP = FLAGS.integer('top', 5, 'How many classes to print.', lower_bound=1)
_CHECKPOINT = FLAGS.enum(
  'checkpoint', 'best', ['best', 'last'], 'Which one, by validation.'
)


def main(args):
  refuse_arguments(args)

  # Only now, so that --help and wrong flags are answered at once.
  from input_pipeline.catalog.open_source import load_source
  from input_pipeline.errors import PoseDataError
  from pose_action.inference.prediction_text import describe, load_clip, offered_clips
  from pose_action.inference.predictor import Predictor

  predictor = Predictor.from_workdir(_WORKDIR.value, checkpoint=_CHECKPOINT.value)
  data = predictor.config.data
  source = load_source(
    data.dataset,
    format=_POSES.format.value or data.format or None,
    poses=_POSES.poses.value,
    skeleton=_POSES.skeleton.value or data.skeleton or None,
    options=_POSES.options(),
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
  if failed:
    clips = '1 clip' if failed == 1 else f'{failed} clips'
    sys.exit(f'error: {clips} could not be used; see above')
