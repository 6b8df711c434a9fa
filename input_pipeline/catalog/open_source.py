"""Opens the clips of a data set by name, or of pose files of any format."""

from __future__ import annotations

import os
import pathlib

from input_pipeline.annotations.annotation import Annotation, annotated
from input_pipeline.catalog.protocols import (
  PROTOCOLS,
  PathLike,
  Protocol,
  export_command,
)
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.sources import ClipSource, PoseSource
from input_pipeline.readers.options import ReadOptions


def load_source(
  dataset: str,
  *,
  format: str | None = None,
  poses: PathLike | None = None,
  skeleton: str | None = None,
  options: ReadOptions | None = None,
  seed: int = 0,
  data_dir: PathLike | None = None,
  annotations: PathLike | None = None,
  map_to: str | None = None,
) -> ClipSource:
  """The clips of a data set, as its reader (or generator) offers them.

  Args:
    dataset: its name; known ones bring their own format and skeleton.
    format: the reader; the data set's own where not given.
    poses: the file or folder that the reader reads; with annotations, several with a
      comma between.
    skeleton: name of the joint layout; the format's or else the data set's own where
      not given.
    options: what the files of poses leave open, such as the size of the frames.
    seed: of a generated data set.
    data_dir: where poses are downloaded to, when none are given and the data set can
      be downloaded.
    annotations: the folder of the data set's official annotation, for poses that know
      neither classes nor splits.
    map_to: name of the joint layout that poses are brought to, see `skeleton_mapping`.

  Raises:
    PoseDatasetError: where format, poses or skeleton is missing, or makes no sense, a
      file is not there, or the clips have several labels each and the data set's have
      one, or the reverse. Of a known data set it says which files are needed.
  """
  protocol = PROTOCOLS.get(dataset)
  if protocol is not None:
    if protocol.format is None:
      return _generated_source(
        dataset,
        seed,
        format=format,
        poses=poses,
        options=options,
        annotations=annotations,
      )
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
      f' it in config.data, or export the data set with\n  {command}{_needs(protocol)}'
    )

  from input_pipeline.readers.registry import read_poses

  try:
    if annotations:
      annotation = _read_annotation(dataset, protocol, annotations)
      sources = [
        read_poses(format, path, skeleton=skeleton, options=options)
        for path in os.fspath(poses).split(',')
      ]
      source = annotated(sources, annotation)
    else:
      source = read_poses(format, poses, skeleton=skeleton, options=options)
  except PoseDataError as error:
    raise PoseDataError(f'{error}{_needs(protocol)}') from error
  if protocol is not None:
    _check_source(protocol, source, poses)
  return _mapped(source, map_to) if map_to else source


def _mapped(source: ClipSource, map_to: str) -> ClipSource:
  from input_pipeline.poses.skeleton_mapping import map_source
  from input_pipeline.skeletons.registry import get_skeleton

  if not isinstance(source, PoseSource):
    raise PoseDatasetError(
      f'the source holds ready maps, whose joints cannot be mapped to {map_to!r}; leave'
      ' the layout as it is'
    )
  return map_source(source, get_skeleton(map_to))


def _check_source(protocol: Protocol, source: ClipSource, poses: PathLike):
  """That the clips are divided and labelled as the protocol has it."""
  if source.multi_label != protocol.multi_label:
    raise PoseDatasetError(
      f'a clip of data set {protocol.name!r} has {_labels_each(protocol.multi_label)},'
      f' but {poses} gives each {_labels_each(source.multi_label)}; give your data set'
      f' another name{_needs(protocol)}'
    )
  splits = [split for pair in protocol.splits for split in pair]
  if not set(splits) & set(source.splits):
    raise PoseDatasetError(
      f'data set {protocol.name!r} has the splits {", ".join(splits)}, but {poses} has'
      f' {", ".join(source.splits) or "none"}{_needs(protocol)}'
    )


def _needs(protocol: Protocol | None) -> str:
  return f'\n{protocol.name} needs {protocol.requires}' if protocol else ''


def _read_annotation(
  dataset: str, protocol: Protocol | None, annotations: PathLike
) -> Annotation:
  if protocol is None or protocol.annotation is None:
    known = ', '.join(name for name, known in PROTOCOLS.items() if known.annotation)
    raise PoseDatasetError(
      f'data set {dataset!r} has no official annotation that can be read, but'
      f' {annotations} is given; leave it out, or take one of {known}'
    )
  folder = pathlib.Path(annotations).expanduser()
  if not folder.is_dir():
    raise PoseDataError(f'{folder}, the annotations of {dataset!r}, is no folder')
  return protocol.annotation(folder)


def _own_skeleton(protocol: Protocol | None, format: str | None) -> str | None:
  """The format's skeleton where it fixes one, or else the data set's."""
  from input_pipeline.readers.registry import READERS

  if format in READERS and READERS[format].skeleton:
    return READERS[format].skeleton
  return protocol.skeleton if protocol is not None else None


def _labels_each(multi_label: bool) -> str:
  return 'a list of labels' if multi_label else 'one label'


def _generated_source(dataset: str, seed: int, **not_for_it) -> ClipSource:
  given = [name for name, value in not_for_it.items() if value]
  if given:
    raise PoseDatasetError(
      f'data set {dataset!r} is generated, so it takes no {" and no ".join(given)};'
      ' leave it out, or give your data set another name'
    )
  from input_pipeline.catalog.stick_actions.source import stick_actions_source

  return stick_actions_source(seed=seed)
