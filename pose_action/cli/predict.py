"""Predicts the actions in pose clips with a trained model.

  python tools/predict.py --workdir=/tmp/jmrn_jhmdb --poses=poses

The poses may have any format and need no labels; joints are mapped to those of the model.
Prints the most probable classes of each clip and, for a JMRN, its joint weights. Clips
that cannot be used are skipped and listed with the reason.

  python tools/predict.py --workdir=/tmp/jmrn --poses=videos --window=2s \\
    --timeline=bouts.csv,lanes.png

With --window, --timeline or another flag of timelines, each clip is a whole video: prints
when each person does what (docs/timelines.md).
"""

from pose_action.cli.launch.pose_flags import define_pose_flags
from pose_action.cli.launch.program import Flags, fail_for_clips, refuse_arguments
from pose_action.cli.launch.timeline_flags import define_timeline_flags

FLAGS = Flags()
_WORKDIR = FLAGS.string(
  'workdir', None, 'Workdir of a run, or of imported weights.', required=True
)
_POSES = define_pose_flags(FLAGS, for_model=True)
_VIDEO_IDS = FLAGS.list('video_ids', None, 'Clips to predict on. Default: all.')
_TOP = FLAGS.integer('top', 5, 'How many classes to print per clip.', lower_bound=1)
_CHECKPOINT = FLAGS.enum(
  'checkpoint', 'best', ['best', 'last'], 'Best on validation, or last.'
)
_ABSTAIN = FLAGS.bool(
  'abstain',
  False,
  'Answer "none of these" below the threshold that keeps 95 % of the right answers on'
  ' held-out clips.',
)
_TIMELINE = define_timeline_flags(FLAGS)


def main(args):
  refuse_arguments(args)

  # Imported here, so that --help and wrong flags are answered at once.
  from pose_action.host.progress import say
  from pose_action.inference.prediction_text import (
    UsableClips,
    describe,
    offered_clips,
  )
  from pose_action.inference.predictor import Predictor

  predictor = Predictor.from_workdir(
    _WORKDIR.value, checkpoint=_CHECKPOINT.value, abstain=_ABSTAIN.value
  )
  source = _POSES.open_for(predictor.config, predictor.skeleton)
  video_ids = offered_clips(source, _VIDEO_IDS.value)
  clips = UsableClips(source, video_ids, predictor, say)
  if _TIMELINE.asked:
    clips.refused += _TIMELINE.write(predictor, clips)
  else:
    for clip in clips:
      say(describe(predictor(clip), clip.labels, _TOP.value))
  fail_for_clips(len(clips.refused))
