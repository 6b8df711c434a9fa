"""What the library knows of each named data set, and where its poses come from.

A data set of your own needs no entry here: name its format and skeleton when exporting.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import pathlib
from collections.abc import Callable

from input_pipeline.pose_source import ClipSource

PathLike = str | os.PathLike[str]


class PoseDatasetError(ValueError):
  """A data set that is missing, in the way, or not what was asked for."""


@dataclasses.dataclass(frozen=True)
class Protocol:
  """How a published data set is split and scored.

  Attributes:
    name: the data set's name, which is also its folder.
    skeleton: name of the joint layout of its own annotation.
    format: the reader for its own annotation; None where the library makes the poses.
    splits: (training split, test split) of split 1, 2, ...
    metric: the number papers report, averaged over `splits` where there are several.
    citation: whose data it is.
    multi_label: whether a clip has any number of labels.
    download: fetches the poses into a data dir, and says where the reader finds them.
  """

  name: str
  skeleton: str
  format: str | None
  splits: tuple[tuple[str, str], ...]
  metric: str
  citation: str
  multi_label: bool = False
  download: Callable[[PathLike], pathlib.Path] | None = None

  def split_names(self, split: int) -> tuple[str, str]:
    """The (training, test) split of that number, from 1.

    Raises:
      PoseDatasetError: where there is no such split.
    """
    if not 1 <= split <= len(self.splits):
      raise PoseDatasetError(
        f'data set {self.name!r} has no split {split}; it has 1..{len(self.splits)}'
      )
    return self.splits[split - 1]


def _download_jhmdb(data_dir: PathLike) -> pathlib.Path:
  from input_pipeline.datasets.jhmdb_download import download_jhmdb

  return download_jhmdb(data_dir)


PROTOCOLS: dict[str, Protocol] = {
  protocol.name: protocol
  for protocol in (
    Protocol(
      name='jhmdb',
      skeleton='jhmdb',
      format='jhmdb_tree',
      splits=(('train1', 'test1'), ('train2', 'test2'), ('train3', 'test3')),
      metric='accuracy',
      citation='Jhuang et al., Towards understanding action recognition, ICCV 2013',
      download=_download_jhmdb,
    ),
    Protocol(
      name='hmdb51',
      skeleton='coco_17',
      format='pyskl',
      splits=(('train1', 'test1'), ('train2', 'test2'), ('train3', 'test3')),
      metric='accuracy',
      citation='Kuehne et al., HMDB: a large video database for human motion'
      ' recognition, ICCV 2011',
    ),
    Protocol(
      name='charades',
      skeleton='coco_17',
      format='pyskl',
      splits=(('train', 'val'),),
      metric='mAP',
      citation='Sigurdsson et al., Hollywood in Homes: crowdsourcing data collection'
      ' for activity understanding, ECCV 2016',
      multi_label=True,
    ),
    Protocol(
      name='penn_action',
      skeleton='penn_action',
      format='penn_action',
      splits=(('train', 'test'),),
      metric='accuracy',
      citation='Zhang et al., From Actemes to Action, ICCV 2013',
    ),
    Protocol(
      name='stick_actions',
      skeleton='jhmdb',
      format=None,
      splits=(('train', 'test'),),
      metric='accuracy',
      citation='ours: stick figures that this library generates',
    ),
  )
}


def get_protocol(dataset: str) -> Protocol:
  """The protocol of that data set.

  Raises:
    PoseDatasetError: naming the nearest known one.
  """
  if dataset not in PROTOCOLS:
    nearest = difflib.get_close_matches(dataset, PROTOCOLS, n=1, cutoff=0.4)
    hint = f' Did you mean {nearest[0]!r}?' if nearest else ''
    raise PoseDatasetError(
      f'no protocol is known for data set {dataset!r}.{hint} Known:'
      f' {", ".join(PROTOCOLS)}. Add one in input_pipeline/datasets/protocols.py, or'
      ' name the splits yourself.'
    )
  return PROTOCOLS[dataset]


def load_source(
  dataset: str,
  *,
  format: str | None = None,
  poses: PathLike | None = None,
  skeleton: str | None = None,
  seed: int = 0,
  data_dir: PathLike | None = None,
) -> ClipSource:
  """The clips of a data set, as its reader (or generator) offers them.

  Args:
    dataset: its name; known ones bring their own format and skeleton.
    format: the reader; the data set's own where not given.
    poses: the file or folder that the reader reads.
    skeleton: name of the joint layout; the format's or else the data set's own where
      not given.
    seed: of a generated data set.
    data_dir: where poses are downloaded to, when none are given and the data set can
      be downloaded.

  Raises:
    PoseDatasetError: where format, poses or skeleton is missing, or makes no sense, or
      the clips have several labels each and the data set's have one, or the reverse.
  """
  protocol = PROTOCOLS.get(dataset)
  if protocol is not None:
    if protocol.format is None:
      return _generated_source(dataset, seed, format=format, poses=poses)
    format = format or protocol.format
    if protocol.download and data_dir and format == protocol.format and not poses:
      poses = protocol.download(data_dir)
  skeleton = skeleton or _own_skeleton(protocol, format)
  if not (format and poses and skeleton):
    given = {'format': format, 'poses': poses, 'skeleton': skeleton}
    missing = ' and '.join(name for name, value in given.items() if not value)
    command = export_command(dataset, 'keypoints', data_dir or 'DIR')
    raise PoseDatasetError(
      f'data set {dataset!r} is read from pose files, but {missing} is not given; set'
      f' it in config.data, or export the data set with\n  {command}'
    )

  from input_pipeline.readers.registry import read_poses

  source = read_poses(format, poses, skeleton=skeleton)
  if protocol is not None and source.multi_label != protocol.multi_label:
    raise PoseDatasetError(
      f'a clip of data set {dataset!r} has {_labels_each(protocol.multi_label)}, but'
      f' {poses} gives each {_labels_each(source.multi_label)}; give your data set'
      ' another name'
    )
  return source


def _own_skeleton(protocol: Protocol | None, format: str | None) -> str | None:
  """The format's skeleton where it fixes one, or else the data set's."""
  from input_pipeline.readers.registry import READERS

  if format in READERS and READERS[format].skeleton:
    return READERS[format].skeleton
  return protocol.skeleton if protocol is not None else None


def _labels_each(multi_label: bool) -> str:
  return 'a list of labels' if multi_label else 'one label'


def export_command(dataset: str, representation: str, data_dir: PathLike) -> str:
  """The command line that makes a data set; capitals stand for what is not known."""
  flags = {'dataset': dataset, 'representation': representation, 'data_dir': data_dir}
  protocol = PROTOCOLS.get(dataset)
  if protocol is None:
    flags |= {'format': 'FORMAT', 'poses': 'FILE_OR_FOLDER', 'skeleton': 'SKELETON'}
  elif protocol.format and not protocol.download:
    flags |= {'poses': 'FILE_OR_FOLDER'}
  return ' '.join(
    ['python tools/export_dataset.py', *(f'--{k}={v}' for k, v in flags.items())]
  )


def _generated_source(dataset: str, seed: int, **not_for_it) -> ClipSource:
  given = [name for name, value in not_for_it.items() if value]
  if given:
    raise PoseDatasetError(
      f'data set {dataset!r} is generated, so it takes no {" and no ".join(given)};'
      ' leave it out, or give your data set another name'
    )
  from input_pipeline.datasets.stick_actions import stick_actions_source

  return stick_actions_source(seed=seed)
