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

  pose-action predict --workdir=RUN my.mp4 --output=seen.mp4 --extractor=tf_graph ...

--output=*.mp4, *.gif or *.html shows the skeletons and the answer on the frames of the
video, or on a plain ground where there are only poses; with flags of timelines, also
these. A file holds all clips, one after another (--video_ids chooses); the first sets the
size of the picture.
"""

import dataclasses

from pose_action.cli.launch.program import Flags, UsageError, fail_for_clips
from pose_action.cli.launch.source_flags import define_source_flags
from pose_action.cli.launch.timeline_flags import define_timeline_flags
from pose_action.host.garbage import search_paused
from pose_action.host.user_paths import user_path

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
_CLASS_NAMES = FLAGS.string(
  'class_names',
  None,
  'Names for classes that the model knows by number only: a,b,c, or a file *.txt with one'
  ' per line.',
)
_TIMELINE = define_timeline_flags(FLAGS)
_OUTPUT = FLAGS.string(
  'output',
  None,
  'File for the predictions, and no table: *.csv, *.json, *.npz, or to look at, *.mp4,'
  ' *.gif, *.html.',
)


_VIDEO = FLAGS.string(
  'video',
  None,
  'For *.mp4 and *.gif: the video that the poses were found in elsewhere, or a folder of'
  ' videos that are named as the clips.',
)


def main(args):
  _SOURCES.check()
  _TIMELINE.check()

  # Imported here, so that --help and wrong flags are answered at once.
  with search_paused():
    from input_pipeline.poses.notes import warnings_as_lines
    from pose_action.inference.prediction_files import check_output
    from pose_action.inference.predictor import Predictor
    from pose_action.sources.class_names import name_classes

  _refuse_useless_video()
  if _OUTPUT.value:
    check_output(_OUTPUT.value)
    _refuse_tables_of_timelines()
  predictor = Predictor.from_workdir(
    _WORKDIR.value, checkpoint=_CHECKPOINT.value, abstain=_ABSTAIN.value
  )
  if _CLASS_NAMES.value is not None:
    name_classes(predictor, _CLASS_NAMES.value)
  names = _SOURCES.poses.names(args)
  with _SOURCES.reading(predictor.config.data.data_dir) as reading:
    reading = dataclasses.replace(reading, footage=_VIDEO.value)
    if _TIMELINE.asked:
      refused, sources = _write_timelines(predictor, names, reading)
      fail_for_clips(refused, sources)
      return
    predictions, sources = _predict(predictor, names, reading)
    # Here, because what was recorded of a camera goes away after this.
    if _OUTPUT.value and predictions:
      with warnings_as_lines(reading.say):
        predictions.save(_OUTPUT.value, reading.say)
      reading.say(f'wrote {_OUTPUT.value}: {_counted(len(predictions))}')
  fail_for_clips(len(predictions.refused), sources)


def _refuse_tables_of_timelines():
  """Raises UsageError for an --output that cannot hold the timelines asked for."""
  from pose_action.inference.seen import KINDS

  if _TIMELINE.asked and user_path(_OUTPUT.value).suffix.lower() not in KINDS:
    raise UsageError(
      f'--output={_OUTPUT.value} holds one answer per clip, but --timeline, --window and'
      ' the like ask for answers over time; write these with --timeline=FILE, or give'
      ' --output=*.mp4, *.gif or *.html'
    )


def _refuse_useless_video():
  """Raises UsageError for --video without a file that shows it."""
  files = [_OUTPUT.value or '', *(_TIMELINE.files.value or ())]
  if _VIDEO.value and not any(
    user_path(file).suffix.lower() in ('.mp4', '.gif') for file in files
  ):
    raise UsageError(
      '--video is drawn on, so it needs --output=*.mp4 or *.gif; to find poses in a'
      ' video, give the video as SOURCE, with --extractor and --weights'
    )


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

  more = [_OUTPUT.value] if _OUTPUT.value else []
  refused = _TIMELINE.write(predictor, videos(), more)
  count = len(refused) + sum(len(clips.refused) for clips in opened)
  return count + len(sources.missing), len(sources.failed)


def _counted(count):
  return '1 clip' if count == 1 else f'{count} clips'
