"""Opens a known data set by name, or pose files in any format, as a source of clips."""

from __future__ import annotations

import dataclasses
import difflib
import os

from input_pipeline.annotations.annotation import Annotation, annotated
from input_pipeline.annotations.training_windows import SegmentOptions, with_segments
from input_pipeline.catalog.groups import groups_by_name
from input_pipeline.catalog.protocols import (
  PROTOCOLS,
  PathLike,
  Protocol,
  export_command,
)
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource, PoseSource, with_notes
from input_pipeline.readers.options import ReadOptions
from pose_action.host.user_paths import user_path, user_paths


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
  group_by: str | None = None,
  segments: SegmentOptions | None = None,
) -> ClipSource:
  """Opens a data set's clips with its reader or generator.

  Args:
    dataset: the data set's name; known ones have their own format and skeleton.
    format: the reader, or 'auto'; by default, the files' own, and the data set's if there
      are no poses or their format is not recognised.
    poses: the file or folder to read; with `annotations`, one or several, separated by
      commas; an existing path is taken whole.
    skeleton: name of the joint layout; by default the format's, else the data set's.
    options: what the pose files do not state, such as the frame size.
    seed: the seed of a generated data set.
    data_dir: where to download poses, if none are given and a download exists.
    annotations: folder with the data set's official annotations, for poses that have
      neither classes nor splits.
    map_to: name of the joint layout to which poses are mapped, see `skeleton_mapping`.
    group_by: how clips are grouped, see `group_clips`; by default, as the files state.
    segments: cuts the videos into windows, see `training_windows`.

  Raises:
    PoseDatasetError: if poses are missing or do not apply, or the clips' labels or
      splits are not the data set's.
    ValueError: if `group_by` does not fit the clips.
    PoseDataError: if the files cannot be read. For a known data set, both say which
      files it needs.
  """
  protocol = PROTOCOLS.get(dataset)
  if protocol is not None and protocol.format is None:
    given = {'format': format, 'poses': poses, 'annotations': annotations}
    given |= {'segments': segments}
    given |= dict.fromkeys(options.given if options else (), True)
    return _generated_source(dataset, seed, **given)
  if protocol is not None and protocol.download and format in (None, protocol.format):
    format, poses = _own_poses(protocol, format, poses, data_dir)
  if not poses:
    raise PoseDatasetError(_no_poses(dataset, protocol, data_dir))
  try:
    format, notes = _format_of(format, poses, protocol)
    skeleton = skeleton or _own_skeleton(protocol, format)
    annotation = _read_annotation(dataset, protocol, annotations)
    source = _read_poses(format, poses, skeleton, options, annotation)
  except PoseDataError as error:
    raise PoseDataError(f'{error}{_needs(protocol)}') from error
  source = _with_annotations(with_notes(source, notes), poses, annotations)
  if protocol is not None:
    _check_source(protocol, source, poses)
  return _changed(source, group_by, segments, map_to)


def _changed(
  source: ClipSource,
  group_by: str | None,
  segments: SegmentOptions | None,
  map_to: str | None,
) -> ClipSource:
  """The source grouped, cut and mapped, as far as is asked for."""
  if group_by:
    source = with_groups(source, group_by)
  if segments is not None:
    source = with_segments(source, segments)
  return _mapped(source, map_to) if map_to else source


def with_groups(source: ClipSource, group_by: str) -> ClipSource:
  """The source with its clips grouped by a rule, see `groups.group_clips`.

  Raises:
    ValueError: if the rule does not fit the clips.
  """
  return dataclasses.replace(
    source, groups=groups_by_name(source.splits, group_by, source.groups)
  )


def _own_poses(
  protocol: Protocol,
  format: str | None,
  poses: PathLike | None,
  data_dir: PathLike | None,
) -> tuple[str | None, PathLike | None]:
  """Downloads the data set's own poses if there are none."""
  if poses or not data_dir or protocol.download is None:
    return format, poses
  return protocol.format, protocol.download(data_dir)


def _no_poses(
  dataset: str, protocol: Protocol | None, data_dir: PathLike | None
) -> str:
  command = export_command(dataset, 'keypoints', data_dir or 'DIR')
  nearest = difflib.get_close_matches(dataset, PROTOCOLS, n=1)
  hint = f' (did you mean {nearest[0]!r}?)' if nearest and protocol is None else ''
  return (
    f'data set {dataset!r}{hint} is read from pose files, but poses is not given;'
    ' give --poses (train: --config.data.poses), or export the data set with\n'
    f'  {command}{_needs(protocol)}'
  )


def _format_of(
  format: str | None, poses: PathLike, protocol: Protocol | None
) -> tuple[str, tuple[Note, ...]]:
  """The format of poses, and how it was recognised if the user did not give it."""
  from input_pipeline.readers.registry import AUTO, resolved_format

  if format and format != AUTO:
    return format, ()
  try:
    return resolved_format(AUTO, user_paths(poses)[0])
  except PoseDataError:
    if format == AUTO or protocol is None or protocol.format is None:
      raise
  return protocol.format, ()


def _read_poses(
  format: str,
  poses: PathLike,
  skeleton: str | None,
  options: ReadOptions | None,
  annotation: Annotation | None,
) -> ClipSource:
  """Reads pose files; an annotation joins several and gives them labels and splits."""
  from input_pipeline.readers.registry import read_poses

  if annotation is None:
    return read_poses(format, poses, skeleton=skeleton, options=options)
  sources = [
    read_poses(format, path, skeleton=skeleton, options=options)
    for path in map(str, user_paths(poses))
  ]
  return annotated(sources, annotation)


def _with_annotations(
  source: ClipSource, poses: str | os.PathLike[str], annotations: PathLike | None
) -> ClipSource:
  """The source, whose origin names all files that were joined."""
  if source.origin is None or not annotations:
    return source
  origin = dataclasses.replace(
    source.origin,
    poses=tuple(str(path.absolute()) for path in user_paths(poses)),
    annotations=str(user_path(annotations).absolute()),
  )
  return dataclasses.replace(source, origin=origin)


def _mapped(source: ClipSource, map_to: str) -> ClipSource:
  from input_pipeline.poses.skeleton_mapping import map_source
  from input_pipeline.skeletons.registry import get_skeleton

  if not isinstance(source, PoseSource):
    raise PoseDatasetError(
      f'the source holds ready maps, whose joints cannot be mapped to {map_to!r}; do not'
      ' ask for another layout'
    )
  return map_source(source, get_skeleton(map_to))


def _check_source(protocol: Protocol, source: ClipSource, poses: PathLike):
  """Checks that the clips' labels and splits are those of the protocol.

  Raises:
    PoseDatasetError: if not.
  """
  if source.multi_label != protocol.multi_label:
    raise PoseDatasetError(
      f'each clip in data set {protocol.name!r} has {_labels(protocol.multi_label)},'
      f' but {poses} gives each clip {_labels(source.multi_label)}; give your data set'
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
  dataset: str, protocol: Protocol | None, annotations: PathLike | None
) -> Annotation | None:
  if not annotations:
    return None
  if protocol is None or protocol.annotation is None:
    known = ', '.join(name for name, known in PROTOCOLS.items() if known.annotation)
    raise PoseDatasetError(
      f'data set {dataset!r} has no official annotation that can be read, but'
      f' {annotations} is given; leave annotations out, or use one of {known}'
    )
  folder = user_path(annotations)
  if not folder.is_dir():
    raise PoseDataError(
      f'{folder}, given as the annotations of {dataset!r}, is not a folder'
    )
  return protocol.annotation(folder)


def _own_skeleton(protocol: Protocol | None, format: str | None) -> str | None:
  """The format's skeleton if it fixes one, else the data set's."""
  from input_pipeline.readers.registry import READERS

  if format in READERS and READERS[format].skeleton:
    return READERS[format].skeleton
  return protocol.skeleton if protocol is not None else None


def _may_choose_skeleton(protocol: Protocol | None, format: str) -> bool:
  """Whether the files may say which skeleton they have."""
  from input_pipeline.readers.registry import ALIASES, READERS

  reader = READERS.get(ALIASES.get(format, format))
  return protocol is None and reader is not None and reader.joint_names is not None


def _labels(multi_label: bool) -> str:
  return 'a list of labels' if multi_label else 'one label'


def _generated_source(dataset: str, seed: int, **unsupported) -> ClipSource:
  given = [name for name, value in unsupported.items() if value]
  if given:
    raise PoseDatasetError(
      f'data set {dataset!r} is generated, so it takes no {" and no ".join(given)};'
      f' leave {" and ".join(given)} out, or give your data set another name'
    )
  from input_pipeline.catalog.stick_actions.source import stick_actions_source

  return stick_actions_source(seed=seed)
