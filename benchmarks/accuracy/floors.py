"""Measures two baselines without a model, which any result should exceed.

- Majority class: predicts the most frequent class of the training clips.
- Nearest neighbour: predicts the class of the training clip whose pose vector
  (`pose_vector`) has the smallest Euclidean distance. It compares absolute sizes and
  joint positions and has no notion of motion.

Both are measured on folds held out from a training split (`holdout.hold_out`):

    python -m benchmarks.accuracy.floors --format=pyskl --poses=FILE --skeleton=jhmdb \
        --split=train1 --folds=0,1,2
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

import numpy as np
import scipy.spatial
from jaxtyping import Float, Int

from benchmarks.arguments import parser_of
from input_pipeline.catalog.groups import AUTO
from input_pipeline.catalog.holdout import FOLD_RULE, FOLDS, hold_out
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers.registry import READERS, read_poses

NUM_FRAMES = 16
NUM_FOLDS = FOLDS


def resample(values: Float[np.ndarray, 't ...'], num_frames: int) -> np.ndarray:
  """Resamples to `num_frames` evenly spaced frames; the first and last one are kept.

  Values are interpolated linearly in time between the two nearest frames.
  """
  last = len(values) - 1
  position = np.linspace(0, last, num_frames)
  before = np.floor(position).astype(int)
  after = np.minimum(before + 1, last)
  weight = (position - before).reshape(-1, *[1] * (values.ndim - 1))
  return (1 - weight) * values[before] + weight * values[after]


def centre(
  keypoints: Float[np.ndarray, 't j 2'], scores: Float[np.ndarray, 't j']
) -> Float[np.ndarray, 't j 2']:
  """Keypoints in pixels relative to the mean of all visible joints in the clip.

  All frames share one origin, so that movement through the frame is kept. There is no
  scaling. Missing joints are placed at the origin.
  """
  visible = scores > 0
  if not visible.any():
    return np.zeros_like(keypoints)
  return np.where(visible[..., None], keypoints - keypoints[visible].mean(axis=0), 0)


def pose_vector(clip: PoseClip) -> Float[np.ndarray, ' features']:
  """Centred joints of the person with the highest scores, resampled to 16 frames."""
  person = clip.scores.sum(axis=(0, 2)).argmax()
  keypoints = clip.keypoints[:, person].astype(np.float64)
  return resample(centre(keypoints, clip.scores[:, person]), NUM_FRAMES).ravel()


def majority_accuracy(
  train_labels: Int[np.ndarray, ' train'], test_labels: Int[np.ndarray, ' test']
) -> float:
  """Share of test clips in the most frequent training class (the first on a tie)."""
  return float(np.mean(test_labels == np.bincount(train_labels).argmax()))


def nearest_neighbour_accuracy(
  train_vectors: Float[np.ndarray, 'train features'],
  train_labels: Int[np.ndarray, ' train'],
  test_vectors: Float[np.ndarray, 'test features'],
  test_labels: Int[np.ndarray, ' test'],
) -> float:
  """Share of test clips whose nearest training clip has the same class."""
  distance = scipy.spatial.distance.cdist(test_vectors, train_vectors)
  return float(np.mean(test_labels == train_labels[distance.argmin(axis=1)]))


def floors_of_folds(
  source: PoseSource,
  split: str,
  folds: Sequence[int],
  *,
  rule: int = FOLD_RULE,
  group_by: str = AUTO,
) -> dict[str, list[float]]:
  """Accuracies (0..1) of both baselines on each held-out fold of a split.

  Args:
    rule, group_by: see `holdout.hold_out`.

  Raises:
    PoseDataError: for an unknown split, and for clips without exactly one label.
    ValueError: if the clips cannot be held out by this rule.
  """
  if split not in source.splits:
    raise PoseDataError(
      f'there is no split {split!r}; the poses have {", ".join(sorted(source.splits))}'
    )
  video_ids = source.splits[split]
  clips = [source.load(video_id) for video_id in video_ids]
  for clip in clips:
    if len(clip.labels) != 1:
      raise PoseDataError(
        f'clip {clip.video_id!r} has the labels {clip.labels}, but the baselines need'
        ' exactly one label per clip'
      )
  labels = np.array([clip.labels[0] for clip in clips])
  vectors = np.stack([pose_vector(clip) for clip in clips])
  floors: dict[str, list[float]] = {'majority class': [], 'nearest neighbour': []}
  for fold in folds:
    test = hold_out(
      video_ids,
      labels,
      fold=fold,
      folds=NUM_FOLDS,
      rule=rule,
      group_by=group_by,
      stored=[source.groups.get(v, v) for v in video_ids] if source.groups else None,
    ).mask
    floors['majority class'].append(majority_accuracy(labels[~test], labels[test]))
    floors['nearest neighbour'].append(
      nearest_neighbour_accuracy(
        vectors[~test], labels[~test], vectors[test], labels[test]
      )
    )
  return floors


def table(floors: dict[str, list[float]], folds: Sequence[int]) -> str:
  """A table of percentages; the standard deviation is the sample's (n - 1)."""
  heads = [*(f'fold {fold}' for fold in folds), 'mean', '± std']
  lines = [f'{"accuracy, %":20}' + ''.join(f'{head:>8}' for head in heads)]
  for name, values in floors.items():
    percent = 100 * np.array(values)
    spread = f'{percent.std(ddof=1):.1f}' if len(values) > 1 else '-'
    cells = [f'{value:.1f}' for value in (*percent, percent.mean())] + [spread]
    lines.append(f'{name:20}' + ''.join(f'{cell:>8}' for cell in cells))
  return '\n'.join(lines)


def main(argv: Sequence[str]):
  """Prints the accuracy of both baselines on each fold, as a table."""
  parser = parser_of('accuracy.floors', __doc__)
  parser.add_argument('--format', required=True, help=', '.join(sorted(READERS)))
  parser.add_argument('--poses', required=True, help='file or folder of the poses')
  parser.add_argument('--skeleton', help='needed if the format does not fix it')
  parser.add_argument('--split', required=True, help='a split of the poses')
  parser.add_argument('--folds', type=_folds, default='0', help='for example 0,1,2')
  parser.add_argument('--fold_rule', type=int, default=FOLD_RULE, help='2, or 1')
  parser.add_argument('--group_by', default=AUTO, help='same as config.data.group_by')
  options = parser.parse_args(argv)
  try:
    source = read_poses(options.format, options.poses, skeleton=options.skeleton)
    if not isinstance(source, PoseSource):
      parser.error(
        f'format {options.format} holds maps, but the baselines need keypoints'
      )
    floors = floors_of_folds(
      source,
      options.split,
      options.folds,
      rule=options.fold_rule,
      group_by=options.group_by,
    )
  except ValueError as error:
    parser.error(str(error))
  print(f'{parser.prog} {shlex.join(argv)}')
  print(
    f'{len(source.splits[options.split])} clips, {len(source.class_names)} classes;'
    f' each fold (of {NUM_FOLDS}) is held out in turn'
  )
  print(table(floors, options.folds))


def _folds(text: str) -> list[int]:
  if not all(fold in map(str, range(NUM_FOLDS)) for fold in text.split(',')):
    raise argparse.ArgumentTypeError(
      f'got {text!r}, but need numbers in 0..{NUM_FOLDS - 1}, separated by commas'
    )
  return [int(fold) for fold in text.split(',')]


if __name__ == '__main__':
  main(sys.argv[1:])
