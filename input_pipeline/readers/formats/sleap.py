"""SLEAP's files: projects and predictions, *.slp, and analysis files, *.h5.

A project may hold several videos; the clips are named after them. A frame may have
predictions, with a score for each joint, and labels by hand, which replace predictions of
the same person and count as certain. An analysis file holds one video's tracks
(`sleap_analysis`). Positions are pixels; a missing joint is NaN. A video's size is known
if SLEAP stored it.
"""

from __future__ import annotations

import pathlib
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.poses.tracking import UNKNOWN
from input_pipeline.readers.files import hdf5
from input_pipeline.readers.files.read_once import read_once
from input_pipeline.readers.formats import sleap_analysis
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.skeletons.registry import Skeleton
from pose_action.host.extras import naming_the_extra

if TYPE_CHECKING:
  import sleap_io  # pyright: ignore[reportMissingImports]

SUFFIXES = ('.slp', '.h5')


def is_video(path: pathlib.Path) -> bool:
  return path.is_file() and path.suffix.lower() in SUFFIXES


def videos_in(path: pathlib.Path) -> tuple[str, ...]:
  """Names of the videos in a file; '' for the only one.

  Raises:
    PoseDataError: if the file cannot be read.
    MissingExtraError: if sleap-io is not installed.
  """
  if _is_analysis(path):
    return ('',)
  return _names(_read(path).videos)


def joint_names(path: pathlib.Path) -> tuple[str, ...] | None:
  """Names of a file's joints; None if it has several skeletons.

  Raises:
    PoseDataError: if the file cannot be read.
    MissingExtraError: if sleap-io is not installed.
  """
  if _is_analysis(path):
    return sleap_analysis.joint_names(path)
  skeletons = _read(path).skeletons
  return tuple(skeletons[0].node_names) if len(skeletons) == 1 else None


def read_video(
  path: pathlib.Path, skeleton: Skeleton, video: str, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads the people in each frame of a video; their tracks are their identities.

  Args:
    video: the video's name; ignored if the file has only one video.

  Raises:
    PoseDataError: naming the file, the video and the fault.
    MissingExtraError: if sleap-io or h5py is not installed.
  """
  if _is_analysis(path):
    return sleap_analysis.read(path, skeleton, options)
  labels = _read(path)
  names = _names(labels.videos)
  if video not in names and len(names) > 1:
    raise PoseDataError(
      f'{path} has no video {video!r}; the first of its {len(names)} videos are'
      f' {", ".join(names[:3])}'
    )
  chosen = labels.videos[names.index(video) if video in names else 0]
  where = f'{path}, video {video!r}' if len(names) > 1 else str(path)
  return _poses(labels, chosen, skeleton, options, where)


def _poses(
  labels: sleap_io.Labels,
  video: sleap_io.Video,
  skeleton: Skeleton,
  options: ReadOptions,
  where: str,
) -> PosesByFrame:
  joints = _JointsOfSkeletons(skeleton, options, where)
  tracks = {id(track): index for index, track in enumerate(labels.tracks)}
  people, identities = {}, {}
  for frame in labels.labeled_frames:
    if frame.video is not video:
      continue
    number = int(frame.frame_idx)
    if number in people:
      raise PoseDataError(f'{where}: frame {number} is listed twice; keep one')
    instances = _instances(frame)
    rows = [joints.of(instance) for instance in instances]
    people[number] = np.reshape(rows, (len(rows), skeleton.num_joints, 3))
    identities[number] = np.array(
      [tracks.get(id(instance.track), UNKNOWN) for instance in instances], np.int64
    )
  if not people:
    raise PoseDataError(f'{where} has no frame with poses')
  return PosesByFrame(
    people=people,
    num_joints=skeleton.num_joints,
    identities=identities,
    frame_size=sleap_analysis.frame_size(video.shape),
    notes=joints.notes,
    lists_empty_frames=False,
  )


class _JointsOfSkeletons:
  """Takes the joints of one skeleton from instances, by the names in a file."""

  def __init__(self, skeleton: Skeleton, options: ReadOptions, where: str):
    self._skeleton = skeleton
    self._options = options
    self._where = where
    self._known: dict[tuple[str, ...], JointChoice] = {}

  def of(self, instance: sleap_io.Instance) -> Float[np.ndarray, 'j 3']:
    """(x, y, score) of the skeleton's joints in pixels, chosen by `JointChoice`."""
    names = tuple(instance.skeleton.node_names)
    if names not in self._known:
      self._known[names] = JointChoice(
        self._skeleton,
        f'{self._where}: skeleton {instance.skeleton.name!r}',
        names=names,
        trust_order=self._options.trust_order,
      )
    return self._known[names].of(_joints(instance), self._where)

  @property
  def notes(self) -> tuple[Note, ...]:
    return tuple(note for known in self._known.values() for note in known.notes)


def _joints(instance: Any) -> Float[np.ndarray, 'n 3']:
  """(x, y, score) for each of the file's joints; labels by hand are certain."""
  positions = instance.numpy()
  if _is_predicted(instance):
    scores = instance.points['score']
  else:
    scores = np.ones(len(positions))
  return np.column_stack([positions, scores])


def _instances(frame: sleap_io.LabeledFrame) -> list[Any]:
  """Labels by hand, and predictions of people who are not labelled."""
  by_hand = [i for i in frame.instances if not _is_predicted(i)]
  replaced = {id(instance.from_predicted) for instance in by_hand}
  tracks = {id(instance.track) for instance in by_hand if instance.track is not None}
  return by_hand + [
    instance
    for instance in frame.instances
    if _is_predicted(instance)
    and id(instance) not in replaced
    and id(instance.track) not in tracks
  ]


def _is_predicted(instance: Any) -> bool:
  return 'score' in instance.points.dtype.names


def _is_analysis(path: pathlib.Path) -> bool:
  return path.suffix.lower() == '.h5'


@read_once
def _read(path: pathlib.Path) -> sleap_io.Labels:
  with naming_the_extra():
    import sleap_io  # pyright: ignore[reportMissingImports]
  with hdf5.open_hdf5(path):  # Checks the size.
    pass
  try:
    with warnings.catch_warnings(action='ignore'):  # About its own older forms.
      return sleap_io.load_slp(str(path), open_videos=False)
  # A broken file can raise almost any exception.
  except Exception as error:
    raise PoseDataError(
      f'{path} is not a readable SLEAP file: {type(error).__name__}: {error}'
    ) from error


def _names(videos: Sequence[Any]) -> tuple[str, ...]:
  """Unique names: the videos' files without suffix, if need be with their number."""
  if len(videos) == 1:
    return ('',)
  stems = [_stem(video) for video in videos]
  return tuple(
    stem if stems.count(stem) == 1 and stem else f'{stem or "video"}_{number}'
    for number, stem in enumerate(stems)
  )


def _stem(video: Any) -> str:
  """A video's name: that of its file, or of the folder that holds its images."""
  original = video.original_video or video  # Images may be stored in the project.
  name = original.filename
  if isinstance(name, list):
    name = str(pathlib.PureWindowsPath(name[0]).parent) if name else ''
    return pathlib.PureWindowsPath(name).name
  # Projects come from Windows as well; these paths have both kinds of slashes.
  return pathlib.PureWindowsPath(name).stem
