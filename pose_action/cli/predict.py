"""Predicts the actions in clips with a trained model.

  pose-action predict --workdir=RUN                    # on the clips it was tested on
  pose-action predict --workdir=RUN poses/ more.json --output=answers.csv
  pose-action predict --workdir=RUN my.mp4 --extractor=tf_graph --weights=graph.pb

A SOURCE is a file or folder of poses in any format; a data set, by its folder or by its
name in --data_dir; a video, a folder of frames, or a folder of these, whose poses are
found first by --extractor; or a camera's number. Without one, these are the test clips of
the model's own data set, or the clips that were held out. Nothing needs labels; joints are
mapped to those of the model. Prints the most probable classes of each clip and, for a
model that weighs joints, those that counted. What cannot be used is named with the
reason, and the rest goes on; the exit status is then 1.

  pose-action predict --workdir=RUN videos --window=2s --timeline=bouts.csv,lanes.png

With --window, --timeline or another flag of timelines, each clip is a whole video: prints
when each person does what (docs/timelines.md).
"""

from pose_action.cli.launch.program import Flags, fail_for_clips
from pose_action.cli.launch.source_flags import define_source_flags
from pose_action.cli.launch.timeline_flags import define_timeline_flags
from pose_action.host.garbage import search_paused

FLAGS = Flags()
_WORKDIR = FLAGS.string(
  'workdir', None, 'Workdir of a run, or of imported weights.', required=True
)
_SOURCES = define_source_flags(FLAGS)
_VIDEO_IDS = FLAGS.list('video_ids', None, 'Clips to predict on. Default: all.')
_TOP = FLAGS.integer('top', 3, 'How many classes to print per clip.', lower_bound=1)
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
_OUTPUT = FLAGS.string(
  'output', None, 'File for the predictions, *.csv, *.json or *.npz, and no table.'
)


def main(args):
  _SOURCES.check()

  # Imported here, so that --help and wrong flags are answered at once.
  with search_paused():
    from pose_action.inference.prediction_files import check_output
    from pose_action.inference.predictor import Predictor

  if _OUTPUT.value:
    check_output(_OUTPUT.value)
  predictor = Predictor.from_workdir(
    _WORKDIR.value, checkpoint=_CHECKPOINT.value, abstain=_ABSTAIN.value
  )
  names = _SOURCES.poses.names(args)
  with _SOURCES.reading(predictor.config.data.data_dir) as reading:
    if _TIMELINE.asked:
      refused, sources = _write_timelines(predictor, names, reading)
      fail_for_clips(refused, sources)
      return
    predictions, sources = _predict(predictor, names, reading)
  if _OUTPUT.value and predictions:
    predictions.save(_OUTPUT.value)
    reading.say(f'wrote {_OUTPUT.value}: {_counted(len(predictions))}')
  fail_for_clips(len(predictions.refused), sources)


def _predict(predictor, names, reading):
  """Predicts on all sources; returns the predictions and how many sources failed."""
  from pose_action.inference.predict_sources import (
    SourceClips,
    predict_clips,
    with_progress,
  )
  from pose_action.inference.prediction import Predictions
  from pose_action.inference.prediction_table import PredictionTable, summary

  predictions, refused = [], []
  sources = SourceClips(predictor, names, reading, _VIDEO_IDS.value)
  for name, clips in sources:
    table = PredictionTable(clips.video_ids, predictor.class_names, _TOP.value)
    batches = predict_clips(predictor, name, clips)
    if _OUTPUT.value:
      batches = with_progress(batches, len(clips), reading.say)
    for batch in batches:
      predictions += batch
      for line in table.rows(batch) if not _OUTPUT.value else ():
        reading.say(line)
    refused += clips.refused
  refused += [(name, 'no source has it') for name in sources.missing]
  if text := summary(predictions):
    reading.say(text)
  return Predictions(predictions, refused), len(sources.failed)


def _write_timelines(predictor, names, reading):
  """Writes the timelines of all sources; returns how many clips and sources failed."""
  from pose_action.inference.predict_sources import SourceClips

  sources = SourceClips(predictor, names, reading, _VIDEO_IDS.value)
  opened = []

  def videos():
    for _, clips in sources:
      opened.append(clips)
      yield from clips

  refused = _TIMELINE.write(predictor, videos())
  count = len(refused) + sum(len(clips.refused) for clips in opened)
  return count + len(sources.missing), len(sources.failed)


def _counted(count):
  return '1 clip' if count == 1 else f'{count} clips'
