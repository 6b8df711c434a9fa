"""Shows what the model of a workdir makes of clips of poses, as PA3D's Fig. 4 does.

  python tools/visualize.py --workdir=/tmp/pa3d_jhmdb --poses=jhmdb.pkl --format=pyskl

Writes a picture a clip, <workdir>/visualizations/<video_id>.png, and the same to
TensorBoard: the maps that the model reads, the motion maps, 32 filters of the action
CNN's last convolution and their features. What a model does not have is left out. A clip
that cannot be used is named with the reason, and does not stop the rest.
"""

import logging
import pathlib
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
_VIDEO_IDS = flags.DEFINE_list('video_ids', None, 'Which clips. Default: all.')
_CHECKPOINT = flags.DEFINE_enum(
  'checkpoint', 'best', ['best', 'last'], 'Which one, by validation.'
)
_OUTPUT = flags.DEFINE_string(
  'output', None, 'Folder for the pictures. Default: <workdir>/visualizations.'
)


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'there are no arguments without a flag, but got {argv[1:]}')

  # JAX tells of every backend that this machine does not have.
  logging.getLogger('jax._src.xla_bridge').setLevel(logging.WARNING)
  # Only now, so that --help and wrong flags are answered at once.
  from inference_lib.clip_picture import clip_picture, picture_name
  from inference_lib.prediction_text import load_clip, offered_clips
  from inference_lib.predictor import Predictor, PredictorError
  from input_pipeline.catalog.open_source import load_source
  from input_pipeline.errors import PoseDataError, PoseDatasetError, SkeletonError
  from pose_action import plots
  from pose_action.runtime.writers import PictureWriter

  try:
    predictor = Predictor.from_workdir(_WORKDIR.value, checkpoint=_CHECKPOINT.value)
    data = predictor.config.data
    source = load_source(
      data.dataset,
      format=_FORMAT.value or data.format or None,
      poses=_POSES.value,
      skeleton=_SKELETON.value or data.skeleton or None,
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
