"""Draws what a model computes for a clip, as Fig. 4 of PA3D does.

  python tools/visualize.py --workdir=/tmp/pa3d_jhmdb poses

A SOURCE is anything that `pose-action predict` takes.
Writes one picture per clip, <workdir>/visualizations/<video_id>.png, and the same to
TensorBoard: the maps that the model reads, the motion maps, 32 filters of the action
CNN's last convolution and their features. Parts that the model does not have are left
out. For a model that reads trajectories: the joints at a few moments, and the weights of
the joints if the model has any. For an ensemble, each member is drawn, in
visualizations/MEMBER/. Clips that cannot be used are skipped and listed with the reason.

  pose-action visualize --workdir=/tmp/pa3d_jhmdb --confused=6

--confused draws the classes that the run's evaluation confused most, each pair as two
clips, in <workdir>/visualizations/confused.png; --scores takes the scores of several runs
together.
"""

from pose_action.cli.launch.program import Flags, fail_for_clips
from pose_action.cli.launch.source_flags import define_source_flags
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_WORKDIR = FLAGS.string(
  'workdir', None, 'Workdir of a run, or of imported weights.', required=True
)
_SOURCES = define_source_flags(FLAGS)
_VIDEO_IDS = FLAGS.list('video_ids', None, 'Clips to draw. Default: all.')
_CHECKPOINT = FLAGS.enum(
  'checkpoint', 'best', ['best', 'last'], 'Best on validation, or last.'
)
_OUTPUT = FLAGS.string(
  'output', None, 'Folder for the pictures. Default: <workdir>/visualizations.'
)
_CLASS_NAMES = FLAGS.string(
  'class_names',
  None,
  'Names for classes that the model knows by number only: a,b,c, or a file *.txt with one'
  ' per line.',
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
  _SOURCES.check()

  # Imported here, so that --help and wrong flags are answered at once.
  from pose_action import plots
  from pose_action.host.progress import say
  from pose_action.inference.clip_picture import clip_picture, picture_name
  from pose_action.inference.predict_sources import SourceClips
  from pose_action.inference.predictor import Predictor, PredictorError
  from pose_action.runtime.writers import PictureWriter
  from pose_action.sources.class_names import name_classes

  predictor = Predictor.from_workdir(_WORKDIR.value, checkpoint=_CHECKPOINT.value)
  if _CLASS_NAMES.value is not None:
    name_classes(predictor, _CLASS_NAMES.value)
  events = user_path(_WORKDIR.value) / 'visualizations'
  folder = user_path(_OUTPUT.value or events)
  names, refused = _SOURCES.poses.names(args), 0
  if _CONFUSED.value:
    with _SOURCES.reading(predictor.config.data.data_dir) as reading:
      _draw_confused(predictor, names, reading, folder)
    return
  models = _models(predictor)
  for name in models:
    (folder / name).mkdir(parents=True, exist_ok=True)
  with (
    _SOURCES.reading(predictor.config.data.data_dir) as reading,
    PictureWriter(events) as writer,
  ):
    sources = SourceClips(predictor, names, reading, _VIDEO_IDS.value)
    for _, clips in sources:
      for clip in clips:
        try:
          pictures = {name: clip_picture(model, clip) for name, model in models.items()}
        except PredictorError as error:
          clips.refuse(clip.video_id, str(error))
          continue
        for name, picture in pictures.items():
          path = folder / name / picture_name(clip.video_id)
          plots.save_png(path, picture)
          tag = f'visualizations/{name}{clip.video_id}'
          writer.write_images(models[name].step, {tag: picture})
          say(f'{clip.video_id}: {path}')
      refused += len(clips.refused)
  fail_for_clips(refused + len(sources.missing), len(sources.failed))


def _draw_confused(predictor, names, reading, folder):
  """Writes confused.png into the folder."""
  from pose_action import plots
  from pose_action.cli.confusion_sheet import Confusions, confusion_sheet
  from pose_action.evaluation.results import headline_entry
  from pose_action.inference.predict_sources import SourceClips

  workdir = user_path(_WORKDIR.value)
  files = _SCORES.value or [str(workdir / headline_entry(workdir)['scores'])]
  confusions = Confusions.of_files(files, _CONFUSED.value)
  sources = SourceClips(predictor, names, reading, confusions.shown)
  clips = {clip.video_id: clip for _, found in sources for clip in found}
  picture = confusion_sheet(confusions, clips, predictor.skeleton)
  folder.mkdir(parents=True, exist_ok=True)
  plots.save_png(folder / 'confused.png', picture)
  for line in (*confusions.lines(), f'{folder / "confused.png"}'):
    reading.say(line)


def _models(predictor) -> dict:
  """The models to draw, by the folder of their pictures: an ensemble's members."""
  from pose_action.inference.ensemble_predictor import EnsemblePredictor

  if isinstance(predictor, EnsemblePredictor):
    return {f'{name}/': member for name, member in predictor.members.items()}
  return {'': predictor}
