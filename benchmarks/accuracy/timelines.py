"""Measures timelines of several actions, and of two people, against their true labels.

Lays the clips of a split end to end, in a drawn order, as long videos of one person who
does one thing after another; no two neighbours have the same class. Takes the timeline of
each video with a trained model, and compares it with the clips' labels in every frame:

    python -m benchmarks.accuracy.timelines --workdirs=RUN --format=pyskl --poses=FILE \
        --skeleton=jhmdb --splits=val_g0 --windows=16/4,24/4

Beside the timelines are two answers with one label for many frames: the model's prediction
for a whole video, and, where the cuts are known, its prediction for each clip. With two
people, two videos are side by side in one, each person with an identity.

Several runs take one split each, and are measured together: each on its own videos.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

import pose_action
from benchmarks.arguments import add_poses, add_workdirs, parser_of, read_poses
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.tracking import UNKNOWN
from pose_action.evaluation.timelines import segments_of, timeline_figures
from pose_action.host.text_table import aligned
from pose_action.inference.timelines.timeline import Timeline
from pose_action.plots import save_png
from pose_action.plots.timelines import Bar, Lane, timelines_image

CLIPS = (6, 10)  # Fewest and most clips in a video.
COLUMNS = ('frames', 'frame F1', 'F1@10', '@25', '@50', 'edit')

Labels = Int[np.ndarray, ' t']


@dataclasses.dataclass(frozen=True, eq=False)
class LongVideo:
  """Clips end to end.

  Attributes:
    clip: the poses of everyone in the video, with identities 0, 1, ….
    truths: the class in each frame, per identity, as long as the person's own video.
    parts: the clips of each identity, in order.
  """

  clip: PoseClip
  truths: tuple[Labels, ...]
  parts: tuple[tuple[PoseClip, ...], ...]


class Pair(NamedTuple):
  """The true and the predicted class in each frame of one person's video."""

  truth: Labels
  predicted: Labels


def end_to_end(
  clips: Sequence[PoseClip], rng: np.random.Generator, sizes: tuple[int, int] = CLIPS
) -> list[LongVideo]:
  """Long videos, each of `sizes[0]` to `sizes[1]` of the clips; no clip is in two.

  Clips that are left when no video can be made of them any more are not used.

  Raises:
    ValueError: for a clip of several people or labels, or of another frame size.
  """
  for clip in clips:
    if clip.num_persons != 1 or len(clip.labels) != 1:
      raise ValueError(
        f'clip {clip.video_id!r} has {clip.num_persons} people and {len(clip.labels)}'
        ' labels, but clips to lay end to end need one of each'
      )
    if clip.frame_size != clips[0].frame_size:
      raise ValueError(
        f'clip {clip.video_id!r} has frames of {clip.frame_size}, but the first clip of'
        f' {clips[0].frame_size}; clips to lay end to end need one size'
      )
  left = [clips[i] for i in rng.permutation(len(clips))]
  videos = []
  while len(left) >= sizes[0]:
    count = min(int(rng.integers(sizes[0], sizes[1] + 1)), len(left))
    parts = _take(left, count)
    if len(parts) < sizes[0]:
      break
    videos.append(_joined(f'video{len(videos):02d}', parts))
  return videos


def _take(left: list[PoseClip], count: int) -> list[PoseClip]:
  """Removes up to `count` clips from a list, no two neighbours of one class."""
  parts: list[PoseClip] = []
  while len(parts) < count:
    last = parts[-1].labels if parts else None
    place = next((i for i, clip in enumerate(left) if clip.labels != last), None)
    if place is None:
      break
    parts.append(left.pop(place))
  return parts


def _joined(name: str, parts: Sequence[PoseClip]) -> LongVideo:
  frames = sum(part.num_frames for part in parts)
  clip = dataclasses.replace(
    parts[0],
    video_id=name,
    keypoints=np.concatenate([part.keypoints for part in parts]),
    scores=np.concatenate([part.scores for part in parts]),
    labels=(),
    identities=np.zeros((frames, 1), int),
  )
  truth = np.concatenate([np.full(part.num_frames, part.labels[0]) for part in parts])
  return LongVideo(clip, (truth,), (tuple(parts),))


def side_by_side(one: LongVideo, other: LongVideo) -> LongVideo:
  """Two videos as one with two people, 0 on the left and 1 on the right.

  Where one of them has ended, the other goes on alone.
  """
  height, width = one.clip.frame_size
  frames = max(one.clip.num_frames, other.clip.num_frames)
  keypoints = np.zeros((frames, 2, *one.clip.keypoints.shape[2:]), np.float32)
  scores = np.zeros(keypoints.shape[:3], np.float32)
  identities = np.full((frames, 2), UNKNOWN)
  for person, video in enumerate((one, other)):
    own = slice(video.clip.num_frames)
    keypoints[own, person] = video.clip.keypoints[:, 0] + (person * width, 0)
    scores[own, person] = video.clip.scores[:, 0]
    identities[own, person] = person
  clip = dataclasses.replace(
    one.clip,
    video_id=f'{one.clip.video_id}+{other.clip.video_id}',
    keypoints=keypoints,
    scores=scores,
    frame_size=(height, 2 * width),
    identities=identities,
  )
  return LongVideo(clip, one.truths + other.truths, one.parts + other.parts)


def in_pairs(videos: Sequence[LongVideo]) -> list[LongVideo]:
  """Each two neighbours side by side; an odd last one stays alone."""
  pairs = [side_by_side(*pair) for pair in zip(videos[::2], videos[1::2], strict=False)]
  return pairs + list(videos[2 * len(pairs) :])


def of_timelines(
  timelines: Sequence[Timeline], videos: Sequence[LongVideo]
) -> list[Pair]:
  """Each person's labels from the timeline of each video."""
  return [
    Pair(truth, timeline.labels(str(person))[: len(truth)])
    for timeline, video in zip(timelines, videos, strict=True)
    for person, truth in enumerate(video.truths)
  ]


def at_threshold(timelines: Sequence[Timeline], threshold: float) -> list[Timeline]:
  """The same probabilities, with bouts that begin at a threshold."""
  return [
    dataclasses.replace(one, rule=dataclasses.replace(one.rule, threshold=threshold))
    for one in timelines
  ]


def of_whole_videos(model: Any, videos: Sequence[LongVideo]) -> list[Pair]:
  """The model's one label for the whole video, in each frame; of one person each."""
  answers = model.predict([video.clip for video in videos], batch_size=1)
  return [
    Pair(video.truths[0], np.full(video.clip.num_frames, one.probabilities.argmax()))
    for video, one in zip(videos, answers, strict=True)
  ]


def of_known_cuts(model: Any, videos: Sequence[LongVideo]) -> list[Pair]:
  """The model's label for each clip, as if it were known where clips begin."""
  pairs = []
  for video in videos:
    answers = model.predict(video.parts[0], batch_size=32)
    labels = [
      np.full(part.num_frames, one.probabilities.argmax())
      for part, one in zip(video.parts[0], answers, strict=True)
    ]
    pairs.append(Pair(video.truths[0], np.concatenate(labels)))
  return pairs


def measured(
  model: Any,
  videos: Sequence[LongVideo],
  windows: Sequence[str],
  threshold: float | None = None,
) -> dict[str, list[Pair]]:
  """The pairs of every row of the table, by its name.

  Args:
    windows: window and stride in frames, such as '16/4'; '' for the model's defaults,
      which runs of early releases do not have.
    threshold: a probability that bouts begin at, in rows of their own.
  """
  found = {'one label for the whole video': of_whole_videos(model, videos)}
  for people, own in ((1, videos), (2, in_pairs(videos))):
    for text in windows:
      if not text and model.clip_times is None:
        continue
      how = (
        dict(zip(('window', 'stride'), text.split('/'), strict=False)) if text else {}
      )
      name = f'window {text or "by default"}{", two people" * (people == 2)}'
      timelines = [model.timeline(video.clip, **how) for video in own]
      found[name] = of_timelines(timelines, own)
      if threshold is not None:
        fitted = at_threshold(timelines, threshold)
        found[f'{name}, fitted threshold'] = of_timelines(fitted, own)
  found['one label per clip, cuts known'] = of_known_cuts(model, videos)
  return found


def table(found: Mapping[str, Sequence[Pair]]) -> str:
  """A row per way to label frames, a column per measure; in percent."""
  rows = [['%', *COLUMNS]]
  for name, pairs in found.items():
    figures = timeline_figures(*zip(*pairs, strict=True))
    rows.append([name, *(f'{100 * value:.1f}' for value in figures.values())])
  return '\n'.join(aligned(rows))


def lanes(found: Mapping[str, Sequence[Pair]], names: Sequence[str]) -> np.ndarray:
  """A picture of the first video: the truth, and a lane per row of the table."""
  first = {'truth': next(iter(found.values()))[0].truth}
  first |= {name: pairs[0].predicted for name, pairs in found.items()}
  end = len(first['truth'])
  drawn = [
    Lane(
      name,
      (0, end),
      tuple(Bar(names[s.label], s.start, s.stop, 1.0) for s in segments_of(labels)),
    )
    for name, labels in first.items()
  ]
  return timelines_image(drawn, end=end, unit='frames', title='the first video')


def _parser() -> argparse.ArgumentParser:
  parser = parser_of('accuracy.timelines', __doc__)
  add_workdirs(parser)
  add_poses(parser)
  parser.add_argument('--splits', required=True, help='one split per workdir')
  parser.add_argument(
    '--windows', default='', help='WINDOW/STRIDE in frames, beside the default'
  )
  parser.add_argument(
    '--thresholds', help='a probability per workdir that bouts begin at, beside 0.5'
  )
  parser.add_argument('--layouts', type=int, default=1, help='how often clips are laid')
  parser.add_argument('--seed', type=int, default=0, help='draws the layouts')
  parser.add_argument('--picture', type=pathlib.Path, help='lanes of a video, *.png')
  return parser


def main(argv: Sequence[str]):
  """Prints the table, over the videos of all workdirs together."""
  parser = _parser()
  options = parser.parse_args(argv)
  workdirs, splits = options.workdirs.split(','), options.splits.split(',')
  thresholds = [float(t) for t in (options.thresholds or '').split(',') if t]
  if len(splits) != len(workdirs) or len(thresholds) not in (0, len(workdirs)):
    parser.error('give one split, and with --thresholds one threshold, per workdir')
  source = read_poses(options)
  if unknown := [split for split in splits if split not in source.splits]:
    parser.error(f'there is no split {unknown[0]!r}: {", ".join(source.splits)}')
  windows = ['', *filter(None, options.windows.split(','))]
  together: dict[str, list[Pair]] = {}
  print(f'{parser.prog} {shlex.join(argv)}')
  fitted = thresholds or [None] * len(workdirs)
  for workdir, split, threshold in zip(workdirs, splits, fitted, strict=True):
    model = pose_action.load(workdir)
    if model.class_names != tuple(source.class_names):
      parser.error(f'{workdir} and {options.poses} have different classes')
    clips = [source.load(name) for name in source.splits[split]]
    rng = np.random.default_rng(options.seed)
    videos = [video for _ in range(options.layouts) for video in end_to_end(clips, rng)]
    print(
      f'{split}: {len(clips)} clips, {len(videos)} videos of'
      f' {sum(video.clip.num_frames for video in videos)} frames'
    )
    for name, pairs in measured(model, videos, windows, threshold).items():
      together.setdefault(name, []).extend(pairs)
  print(table(together))
  if options.picture:
    save_png(options.picture, lanes(together, source.class_names))


if __name__ == '__main__':
  main(sys.argv[1:])
