"""Draws what a model computes for a clip, as Fig. 4 of PA3D does.

  python tools/visualize.py --workdir=/tmp/pa3d_jhmdb --poses=poses

Writes one picture per clip, <workdir>/visualizations/<video_id>.png, and the same to
TensorBoard: the maps that the model reads, the motion maps, 32 filters of the action
CNN's last convolution and their features. Parts that the model does not have are left
out. For a model that reads trajectories: the joints at a few moments, and the weights of
the joints if the model has any. For an ensemble, each member is drawn, in
visualizations/MEMBER/. Clips that cannot be used are skipped and listed with the reason.

  pose-action visualize --workdir=/tmp/pa3d_jhmdb --poses=poses --confused=6

--confused draws the classes that the run's evaluation confused most, each pair as two
clips, in <workdir>/visualizations/confused.png; --scores takes the scores of several runs
together.
"""

from pose_action.cli.launch.pose_flags import define_pose_flags
from pose_action.cli.launch.program import Flags, fail_for_clips, refuse_arguments
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_WORKDIR = FLAGS.string(
  'workdir', None, 'Workdir of a run, or of imported weights.', required=True
)
_POSES = define_pose_flags(FLAGS, for_model=True)
_VIDEO_IDS = FLAGS.list('video_ids', None, 'Clips to draw. Default: all.')
_CHECKPOINT = FLAGS.enum(
  'checkpoint', 'best', ['best', 'last'], 'Best on validation, or last.'
)
_OUTPUT = FLAGS.string(
  'output', None, 'Folder for the pictures. Default: <workdir>/visualizations.'
)
_CONFUSED = FLAGS.integer(
  'confused',
  None,
  'Draws this many pairs of classes, those confused most, instead of what the model'
  ' computes.',
  lower_bound=1,
)
_SCORES = FLAGS.list(
  'scores',
  None,
  'Score files for --confused. Default: those of the headline evaluation in --workdir.',
)


def main(args):
  refuse_arguments(args)

  # Imported here, so that --help and wrong flags are answered at once.
  from pose_action import plots
  from pose_action.host.progress import say
  from pose_action.inference.clip_picture import clip_picture, picture_name
  from pose_action.inference.prediction_text import UsableClips, offered_clips
  from pose_action.inference.predictor import Predictor
  from pose_action.runtime.writers import PictureWriter

  predictor = Predictor.from_workdir(_WORKDIR.value, checkpoint=_CHECKPOINT.value)
  source = _POSES.open_for(predictor.config, predictor.skeleton)
  video_ids = offered_clips(source, _VIDEO_IDS.value)
  events = user_path(_WORKDIR.value) / 'visualizations'
  folder = user_path(_OUTPUT.value or events)
  if _CONFUSED.value:
    _draw_confused(source, folder, say)
    return
  models = _models(predictor)
  for name in models:
    (folder / name).mkdir(parents=True, exist_ok=True)
  clips = UsableClips(source, video_ids, predictor, say)
  with PictureWriter(events) as writer:
    for clip in clips:
      for name, model in models.items():
        picture = clip_picture(model, clip)
        path = folder / name / picture_name(clip.video_id)
        plots.save_png(path, picture)
        tag = f'visualizations/{name}{clip.video_id}'
        writer.write_images(model.step, {tag: picture})
        say(f'{clip.video_id}: {path}')
  fail_for_clips(len(clips.refused))


def _draw_confused(source, folder, say):
  """Writes confused.png into the folder."""
  from pose_action import plots
  from pose_action.cli.confusion_sheet import confusion_sheet
  from pose_action.evaluation.results import headline_entry

  workdir = user_path(_WORKDIR.value)
  files = _SCORES.value or [str(workdir / headline_entry(workdir)['scores'])]
  picture = confusion_sheet(source, files, _CONFUSED.value, say)
  folder.mkdir(parents=True, exist_ok=True)
  plots.save_png(folder / 'confused.png', picture)
  say(f'{folder / "confused.png"}')


def _models(predictor) -> dict:
  """The models to draw, by the folder of their pictures: an ensemble's members."""
  from pose_action.inference.ensemble_predictor import EnsemblePredictor

  if isinstance(predictor, EnsemblePredictor):
    return {f'{name}/': member for name, member in predictor.members.items()}
  return {'': predictor}
