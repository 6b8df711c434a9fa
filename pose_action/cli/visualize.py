"""Shows what the model of a workdir makes of clips of poses, as PA3D's Fig. 4 does.

  python tools/visualize.py --workdir=/tmp/pa3d_jhmdb --poses=jhmdb.pkl --format=pyskl

Writes a picture a clip, <workdir>/visualizations/<video_id>.png, and the same to
TensorBoard: the maps that the model reads, the motion maps, 32 filters of the action
CNN's last convolution and their features. What a model does not have is left out. A clip
that cannot be used is named with the reason, and does not stop the rest.
"""

import pathlib
import sys

from pose_action.cli.pose_flags import define_pose_flags
from pose_action.cli.program import Flags, refuse_arguments

FLAGS = Flags()
_WORKDIR = FLAGS.string(
  'workdir', None, 'Of a run, or of imported weights.', required=True
)
_POSES = define_pose_flags(FLAGS, default="the run's data set", poses_required=True)
_VIDEO_IDS = FLAGS.list('video_ids', None, 'Which clips. Default: all.')
_CHECKPOINT = FLAGS.enum(
  'checkpoint', 'best', ['best', 'last'], 'Which one, by validation.'
)
_OUTPUT = FLAGS.string(
  'output', None, 'Folder for the pictures. Default: <workdir>/visualizations.'
)


def main(args):
  refuse_arguments(args)

  # Only now, so that --help and wrong flags are answered at once.
  from input_pipeline.catalog.open_source import load_source
  from input_pipeline.errors import PoseDataError
  from pose_action import plots
  from pose_action.inference.clip_picture import clip_picture, picture_name
  from pose_action.inference.prediction_text import load_clip, offered_clips
  from pose_action.inference.predictor import Predictor
  from pose_action.runtime.writers import PictureWriter

  predictor = Predictor.from_workdir(_WORKDIR.value, checkpoint=_CHECKPOINT.value)
  data = predictor.config.data
  source = load_source(
    data.dataset,
    format=_POSES.format.value or data.format or None,
    poses=_POSES.poses.value,
    skeleton=_POSES.skeleton.value or data.skeleton or None,
    options=_POSES.options(),
  )
  video_ids = offered_clips(source, _VIDEO_IDS.value)
  events = pathlib.Path(_WORKDIR.value) / 'visualizations'
  folder = pathlib.Path(_OUTPUT.value or events)
  folder.mkdir(parents=True, exist_ok=True)
  failed = 0
  with PictureWriter(events) as writer:
    for video_id in video_ids:
      try:
        picture = clip_picture(predictor, load_clip(source, video_id, predictor))
      except PoseDataError as error:
        failed += 1
        print(f'{video_id}: cannot be used: {error}', flush=True)
        continue
      path = folder / picture_name(video_id)
      plots.save_png(path, picture)
      writer.write_images(predictor.step, {f'visualizations/{video_id}': picture})
      print(f'{video_id}: {path}', flush=True)
  if failed:
    clips = '1 clip' if failed == 1 else f'{failed} clips'
    sys.exit(f'error: {clips} could not be used; see above')
