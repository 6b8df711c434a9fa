"""Measures whether a model knows that it does not know a class.

Trains a config without some classes, and compares its confidence on test clips of the
classes that it knows with that on clips of those left out, from all splits:

    python -m benchmarks.accuracy.unknown_classes --config=ddnet_jhmdb --leave_out=3 --workdir=W \
        -- --config.data.train_split=train2 --config.data.test_split=test2

Prints the AUROC of telling known from unknown clips by confidence, and what abstaining
does at the threshold that training stored. Without --classes, the classes are drawn from
--seed. The data set's poses are downloaded or generated, or read from --poses. Flags after
`--` change the config.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import pose_action
from input_pipeline.catalog.open_source import load_source
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from pose_action.evaluation.unknown import known_auroc
from pose_action.host.text_table import aligned
from pose_action.inference.prediction import NONE_OF_THESE, Prediction


@dataclasses.dataclass(frozen=True, eq=False)
class Divided:
  """A data set without some of its classes, and the clips of these.

  Attributes:
    known: the source without the classes; labels are renumbered.
    unknown: names of the clips of the left-out classes.
  """

  known: PoseSource
  unknown: tuple[str, ...]


def leave_out(source: PoseSource, classes: Sequence[str]) -> Divided:
  """Divides a source by class; loads every clip once, for its label.

  Raises:
    ValueError: for a class that the source does not have, or if fewer than two remain.
  """
  missing = set(classes) - set(source.class_names)
  names = tuple(name for name in source.class_names if name not in classes)
  if missing or len(names) < 2:
    raise ValueError(
      f'classes to leave out are {", ".join(classes)}, but must be some of'
      f' {", ".join(source.class_names)}, and two must remain'
    )
  label_of = {}
  for video_id in dict.fromkeys(v for ids in source.splits.values() for v in ids):
    try:
      (label,) = source.load(video_id).labels
    except (PoseDataError, ValueError):  # The export leaves it out, too.
      continue
    label_of[video_id] = source.class_names[label]

  def load(video_id: str) -> PoseClip:
    label = names.index(label_of[video_id])
    return dataclasses.replace(source.load(video_id), labels=(label,), segments=())

  known = dataclasses.replace(
    source,
    class_names=names,
    splits={
      split: tuple(v for v in ids if label_of.get(v) in names)
      for split, ids in source.splits.items()
    },
    load=load,
    origin=None,
  )
  return Divided(known, tuple(v for v, name in label_of.items() if name in classes))


def figures(
  known: Sequence[Prediction], labels: Sequence[str], unknown: Sequence[Prediction]
) -> dict[str, float]:
  """AUROC, and the shares that abstaining keeps and refuses.

  Args:
    known, unknown: predictions of a model that abstains.
    labels: the true class of each known clip.
  """

  def confidences(predictions):
    return np.array([one.probabilities.max() for one in predictions])

  right = [
    one for one, label in zip(known, labels, strict=True) if one.top(1)[0][0] == label
  ]
  return {
    'AUROC': known_auroc(confidences(known), confidences(unknown)),
    'accuracy on known classes, always answering': len(right) / len(known),
    'right answers kept': 1 - _refused(right),
    'unknown clips refused': _refused(unknown),
  }


def _refused(predictions: Sequence[Prediction]) -> float:
  return float(np.mean([one.label == NONE_OF_THESE for one in predictions]))


def run(
  config: Any, workdir: pathlib.Path, divided: Divided, source: PoseSource
) -> dict[str, float]:
  """Trains without the classes and measures; every step is resumed if it was stopped.

  Args:
    config: unlocked; its data set is replaced.
    source: all clips, to load those of unknown classes.
  """
  config.data.update(
    {'dataset': 'known', 'data_dir': str(workdir / 'data'), 'poses': '', 'format': ''}
  )
  config.data.representation = 'keypoints'
  if not (workdir / 'data' / 'known').exists():
    pose_action.export_dataset(
      divided.known,
      dataset='known',
      representation='keypoints',
      data_dir=workdir / 'data',
    )
  pose_action.train(config.lock(), workdir / 'run')
  model = pose_action.load(workdir / 'run', abstain=True)
  tested = divided.known.splits[config.data.test_split]
  clips = [divided.known.load(video_id) for video_id in tested]
  return figures(
    model.predict(clips),
    [divided.known.class_names[clip.labels[0]] for clip in clips],
    model.predict(source.load(video_id) for video_id in divided.unknown),
  )


def changed_config(name: str, changes: Sequence[str]) -> Any:
  """A shipped config, or one of a file, with flags such as `--config.seed=1` applied."""
  from absl import flags
  from ml_collections import config_flags

  from pose_action.training.shipped_configs import load_config

  values, words = flags.FlagValues(), ['unknown_classes', *changes]
  config = load_config(name).copy_and_resolve_references()
  config_flags.DEFINE_config_dict(  # pyright: ignore[reportAttributeAccessIssue]
    'config', config, flag_values=values, sys_argv=words
  )
  values(words)
  return config.unlock()


def main(arguments: Sequence[str] | None = None):
  """Prints the figures of one run; `arguments` are the command line's by default."""
  parser = argparse.ArgumentParser(
    description='Measures whether a model knows that it does not know a class.'
  )
  parser.add_argument('--config', default='ddnet_jhmdb', help='name or file')
  parser.add_argument('--workdir', required=True, type=pathlib.Path)
  parser.add_argument('--leave_out', type=int, default=3, help='number of classes')
  parser.add_argument('--classes', help='their names, separated by commas')
  parser.add_argument('--seed', type=int, default=0, help='draws the classes')
  parser.add_argument('--data_dir', default='~/pose_action_data', help='for downloads')
  parser.add_argument('--poses', help='pose files, instead of a download')
  args, changes = parser.parse_known_args(arguments)
  config = changed_config(args.config, [flag for flag in changes if flag != '--'])
  source = load_source(config.data.dataset, poses=args.poses, data_dir=args.data_dir)
  if not isinstance(source, PoseSource):
    parser.error(f'{args.config} reads ready maps; give a config that reads poses')
  rng = np.random.default_rng(args.seed)
  classes = (
    args.classes.split(',')
    if args.classes
    else sorted(rng.choice(source.class_names, args.leave_out, replace=False).tolist())
  )
  found = run(config, args.workdir, leave_out(source, classes), source)
  print(
    f'python -m benchmarks.accuracy.unknown_classes {shlex.join(arguments or sys.argv[1:])}'
  )
  print(f'left out: {", ".join(classes)}')
  print('\n'.join(aligned([(name, f'{value:.1%}') for name, value in found.items()])))


if __name__ == '__main__':
  main()
