"""Timelines beside labels in time: how well they fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from input_pipeline.annotations.segment_files.rows import SegmentFile, SegmentRow
from input_pipeline.annotations.segments_of_clips import frame_rate_of, spans_of_clip
from input_pipeline.poses.causal_tracking import tracks_of_clip
from input_pipeline.poses.clip import PoseClip
from pose_action.evaluation.timelines import NOTHING, timeline_figures
from pose_action.inference.timelines.timeline import Timeline

Labels = Int[np.ndarray, ' t']


def truth_and_prediction(
  timeline: Timeline, clip: PoseClip, rows: Sequence[SegmentRow], file: SegmentFile
) -> list[tuple[Labels, Labels]]:
  """Both label sequences of each person with a segment, over all frames of a video.

  A class that the model does not know has an index above the model's classes, so that it
  counts as missed; the background is no label.

  Args:
    rows: the video's rows of the segment file.

  Raises:
    PoseDataError: for segments that do not fit the video.
  """
  rate = frame_rate_of(clip, rows, file, timeline.frame_rate)
  people = tuple(tracks_of_clip(clip))
  unknown = [label for label in file.labels if label not in timeline.class_names]
  names = [*timeline.class_names, *unknown]
  pairs = []
  for person, spans in spans_of_clip(clip, rows, rate, people).items():
    truth = np.full(clip.num_frames, NOTHING)
    for span in spans:
      if span.label != timeline.background:
        truth[span.start : span.stop] = names.index(span.label)
    pairs.append((truth, timeline.labels(person)))
  return pairs


def measure(pairs: Sequence[tuple[Labels, Labels]]) -> dict[str, float]:
  """The figures of `evaluation.timelines.timeline_figures` over all people."""
  truths, predictions = zip(*pairs, strict=True)
  return timeline_figures(truths, predictions)


def figures_text(figures: dict[str, float], people: int) -> str:
  """One line for the terminal."""
  words = {
    'frame_accuracy': 'frame accuracy',
    'frame_f1': 'frame F1',
    'segment_f1_10': 'segment F1@10',
    'segment_f1_25': '@25',
    'segment_f1_50': '@50',
    'edit_score': 'edit score',
  }
  shown = ', '.join(f'{words[name]} {value:.1%}' for name, value in figures.items())
  count = '1 person' if people == 1 else f'{people} people'
  return f'{count} with labels in time: {shown}'
