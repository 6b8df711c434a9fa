"""What a data set's metadata say about the files it was made from, and comparisons."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from input_pipeline.annotations.training_windows import SegmentOptions
from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDatasetError
from input_pipeline.export.source_files import SourceFiles, find_files
from input_pipeline.poses.sources import ClipSource
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.registry import ALIASES, AUTO
from input_pipeline.skeletons.custom import SUFFIXES
from input_pipeline.skeletons.registry import ALIASES as SKELETON_ALIASES
from input_pipeline.skeletons.registry import Skeleton, get_skeleton
from input_pipeline.storage.dataset import PoseDataset
from pose_action.host.user_paths import user_paths

# Options that do not choose among the poses: frame size and rate describe the files, and
# the size of maps is compared with the maps.
_NOT_COMPARED = ('frame_size', 'frame_rate', 'short_side')


@dataclasses.dataclass(frozen=True)
class AskedSource:
  """What a config asks for, with the arguments of `load_source`; None if not given."""

  format: str | None = None
  poses: PathLike | None = None
  skeleton: str | None = None
  options: ReadOptions | None = None
  annotations: PathLike | None = None
  segments: SegmentOptions | None = None

  def paths(self, name: str) -> tuple[str, ...]:
    """The files or folders given as 'poses', 'annotations' or 'segments'.

    Raises:
      PoseDatasetError: if one does not exist.
    """
    given = getattr(self, name)
    if isinstance(given, SegmentOptions):
      given = given.path
    paths = user_paths(given) if given else ()
    for path in paths:
      if not path.exists():
        raise PoseDatasetError(
          f'config.data.{name} is {given}, but {path} does not exist; correct the path,'
          ' or leave it out to use the data set that was exported before'
        )
    return tuple(str(path.absolute()) for path in paths)


def source_record(
  source: ClipSource,
  data_dir: PathLike | None,
  progress: Callable[[str], object],
) -> dict[str, Any] | None:
  """Describes a source for the metadata; None if its files are unknown.

  Args:
    data_dir: a local folder with data sets, which is not part of the poses.
  """
  origin = source.origin
  if origin is None:
    return None
  record = {
    'poses': list(origin.poses),
    'files': _fingerprint(find_files(origin.poses, without=data_dir), progress),
    'format': origin.format,
    'skeleton': origin.skeleton,
    'options': {name: _plain(value) for name, value in origin.options.items()},
  }
  if origin.annotations:
    record['annotations'] = origin.annotations
    record['annotation_files'] = _fingerprint(
      find_files([origin.annotations], without=data_dir), progress
    )
  if origin.segments:
    record['segments'] = origin.segments
    record['segment_options'] = dict(origin.segment_options)
    record['segment_files'] = _fingerprint(
      find_files([origin.segments], without=data_dir), progress
    )
  return record


def check_source(
  opened: PoseDataset,
  asked: AskedSource,
  data_dir: PathLike | None,
  progress: Callable[[str], object],
):
  """Checks that a data set was made from the poses that a config asks for.

  Raises:
    PoseDatasetError: if not; names both. Also if a path does not exist.
  """
  for name in ('poses', 'annotations', 'segments'):
    asked.paths(name)
  record = opened.source
  if record is None:
    if asked.poses or (asked.options and asked.options.given):
      progress(_unknown(opened, asked))
    return
  differing = [
    *_options_that_differ(record, asked),
    *_joints_that_differ(opened.skeleton, asked.skeleton),
    *_files_that_differ(record, asked, data_dir, progress),
  ]
  if differing:
    raise PoseDatasetError(
      f'{opened.directory} exists, but was not made from what the config asks for:'
      f' {"; ".join(differing)}. Leave config.data.poses and its options out to use the'
      ' data set as it is, replace it with tools/export_dataset.py --overwrite, or give'
      ' another config.data.dataset or config.data.data_dir'
    )


def skeleton_name(asked: str) -> str:
  """The name of a skeleton that is given by its name, another name for it, or a file."""
  if pathlib.PurePath(asked).suffix.lower() in SUFFIXES:
    return get_skeleton(asked).name
  return SKELETON_ALIASES.get(asked, asked)


def _unknown(opened: PoseDataset, asked: AskedSource) -> str:
  given = [f'poses={asked.poses}'] if asked.poses else []
  given += asked.options.given if asked.options else ()
  return (
    f'note: {opened.directory} does not say from which files it was made (an earlier'
    f' version made it, or a program of your own), so {", ".join(given)} cannot be'
    ' compared with it, and is not used'
  )


def _options_that_differ(record: Mapping[str, Any], asked: AskedSource) -> list[str]:
  pairs: dict[str, tuple[Any, Any]] = {}
  if asked.format and asked.format != AUTO:
    pairs['format'] = ALIASES.get(asked.format, asked.format), record['format']
  if asked.skeleton:
    pairs['skeleton'] = skeleton_name(asked.skeleton), record['skeleton']
  options, given = asked.options or AS_READ, asked.options and asked.options.given
  for field in dataclasses.fields(ReadOptions):
    # Without poses, an option that is not given asks for nothing.
    if field.name in (given or ()) or (asked.poses and field.name not in _NOT_COMPARED):
      stored = record['options'].get(field.name, _plain(field.default))
      pairs[field.name] = _plain(getattr(options, field.name)), stored
  if asked.segments is not None:
    # Earlier releases did not store every option.
    usual = SegmentOptions(asked.segments.path).how
    stored_options = usual | dict(record.get('segment_options', {}))
    for name, value in asked.segments.how.items():
      pairs[f'segments.{name}'] = value, stored_options[name]
  return [
    f'{name} is {wanted!r}, but the data set has {stored!r}'
    for name, (wanted, stored) in pairs.items()
    if wanted != stored
  ]


def _joints_that_differ(stored: Skeleton, asked: str | None) -> list[str]:
  """Compares a skeleton file with the stored skeleton of that name."""
  if not asked or pathlib.PurePath(asked).suffix.lower() not in SUFFIXES:
    return []
  own = get_skeleton(asked)
  if own.name != stored.name or own == stored:
    return []
  return [
    f'skeleton {own.name!r} in {asked} has joints {", ".join(own.joints)}, but the'
    f' data set has {", ".join(stored.joints)}'
    if own.joints != stored.joints
    else f'skeleton {own.name!r} in {asked} has changed, though not its joints'
  ]


def _files_that_differ(
  record: Mapping[str, Any],
  asked: AskedSource,
  data_dir: PathLike | None,
  progress: Callable[[str], object],
) -> list[str]:
  if not asked.poses:
    return []
  differing = []
  stored = {
    'poses': (record['poses'], record['files']),
    'annotations': ([record.get('annotations')], record.get('annotation_files')),
    'segments': ([record.get('segments')], record.get('segment_files')),
  }
  for name, (paths, fingerprint) in stored.items():
    given = asked.paths(name)
    if not given and fingerprint is None:
      continue
    there = f'{", ".join(paths)} ({_counted(fingerprint)})' if fingerprint else 'none'
    found = find_files(given, without=data_dir)
    if not given or fingerprint is None:
      differing.append(f'{name} are {found if given else "none"}, not {there}')
    elif not _is_same(found, fingerprint, progress):
      differing.append(f'{name} are {found}, whose content is not that of {there}')
  return differing


def _is_same(
  found: SourceFiles,
  fingerprint: Mapping[str, Any],
  progress: Callable[[str], object],
) -> bool:
  """Compares with a stored fingerprint; reads the files only if it must."""
  if found.stamp == fingerprint['stamp']:
    return True
  same_size = (len(found.files), found.num_bytes) == (
    fingerprint['num_files'],
    fingerprint['num_bytes'],
  )
  return same_size and found.digest(progress) == fingerprint['digest']


def _fingerprint(
  found: SourceFiles, progress: Callable[[str], object]
) -> dict[str, Any]:
  return {
    'num_files': len(found.files),
    'num_bytes': found.num_bytes,
    'stamp': found.stamp,
    'digest': found.digest(progress),
  }


def _counted(fingerprint: Mapping[str, Any]) -> str:
  count = fingerprint['num_files']
  return f'{count} file{"" if count == 1 else "s"}, {fingerprint["num_bytes"]} bytes'


def _plain(value: Any) -> Any:
  """The value as JSON returns it."""
  return list(value) if isinstance(value, tuple) else value
