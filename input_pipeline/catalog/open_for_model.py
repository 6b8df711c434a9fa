"""Opens clips for a trained model: no labels, no splits and no protocol are asked for."""

from __future__ import annotations

import dataclasses

from input_pipeline.catalog.open_source import load_source
from input_pipeline.catalog.protocols import PROTOCOLS, PathLike
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.skeleton_mapping import map_source, mapping_note
from input_pipeline.poses.sources import ClipSource, with_notes
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import AUTO, read_poses, resolved_format
from input_pipeline.skeletons.registry import SKELETONS, Skeleton


def open_for_model(
  poses: PathLike,
  model: Skeleton,
  *,
  format: str | None = None,
  usual_format: str | None = None,
  skeleton: str | None = None,
  options: ReadOptions | None = None,
) -> ClipSource:
  """Opens pose files in any format, with the model's joints.

  Poses of another skeleton are mapped, see `skeleton_mapping`; a note says how.

  Args:
    poses: file or folder.
    model: the skeleton that the model reads.
    format: the format; by default, it is recognised from the files.
    usual_format: the format of the model's own data set, taken if none is recognised.
    skeleton: the skeleton of the poses; by default, the format's or the one that the
      files name, else the model's.
    options: what the files do not state.

  Raises:
    PoseDataError: if the files cannot be read, or hold maps of other joints.
    SkeletonError: for an unknown skeleton, or one without any of the model's joints.
  """
  try:
    format, notes = resolved_format(format or AUTO, poses)
  except PoseDataError:
    if format not in (None, AUTO) or not usual_format:
      raise
    format, notes = usual_format, ()
  # A run may leave out the background channel that files of maps have.
  registered = SKELETONS.get(model.name, model)
  of_model = registered if registered.joints == model.joints else model
  source = read_poses(
    format, poses, skeleton=skeleton, options=options, of_model=of_model
  )
  return with_notes(with_joints_of(source, model), notes)


def with_joints_of(source: ClipSource, model: Skeleton) -> ClipSource:
  """The source with the model's joints.

  Raises:
    PoseDataError: if it holds maps of other joints.
    SkeletonError: if no joint of the model can be derived.
  """
  if source.skeleton.joints == model.joints:
    return source
  mapped = map_source(source, model)
  return with_notes(mapped, (mapping_note(source.skeleton, model),))


def generated_clips(dataset: str, split: str) -> ClipSource | None:
  """The clips in one split of a data set that the library generates; else None.

  Args:
    split: '' for all splits.
  """
  protocol = PROTOCOLS.get(dataset)
  if protocol is None or protocol.format is not None:
    return None
  source = load_source(dataset)
  if not split:
    return source
  if split not in source.splits:
    raise PoseDatasetError(
      f'there is no split {split!r} in {dataset!r}; its splits are'
      f' {", ".join(source.splits)}'
    )
  return dataclasses.replace(source, splits={split: source.splits[split]})
