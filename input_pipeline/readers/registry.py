"""The pose file formats that the library reads, by name."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
import pathlib
from collections.abc import Callable, Sequence

from input_pipeline.errors import PoseDataError, as_pose_data_error, shortened
from input_pipeline.poses import sources
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.frame_size import size_notes
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource, Origin, PoseSource, with_notes
from input_pipeline.readers.files.file_names import JSON, suffix_of
from input_pipeline.readers.formats import (
  alphapose,
  ava,
  coco,
  csv_tables,
  deeplabcut,
  jhmdb,
  jmrn_official,
  mediapipe,
  mmpose,
  movement,
  numpy_arrays,
  openpose,
  openpose_maps,
  penn_action,
  pyskl,
  sleap,
  ultralytics,
)
from input_pipeline.readers.joint_choice import choose_skeleton
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.recognition.recognise import recognise
from input_pipeline.readers.videos import source as video_source
from input_pipeline.readers.videos.source import VideoFormat
from input_pipeline.readers.videos.table import TABLE
from input_pipeline.skeletons.registry import Skeleton
from pose_action.host.user_paths import user_path


@dataclasses.dataclass(frozen=True)
class Reader:
  """One pose file format.

  Attributes:
    read: opens a path as a source; takes the path, the skeleton and, if the format has
      `options`, the `ReadOptions`.
    kind: what the path must be: 'file', 'folder' or 'file or folder'.
    expects: what the path must contain, for messages.
    skeleton: name of the registered skeleton that the format fixes; None if the user
      must name one.
    options: the `ReadOptions` that the format accepts, beside `frame_rate`.
    suffixes: of the files that hold videos, compressed or not; None if any.
    joint_names: the joint names that the files at a path give, if any; they choose the
      skeleton if the user names none.
    usual_skeleton: name of the skeleton if neither the user nor the files name any.
  """

  read: Callable[..., ClipSource]
  kind: str
  expects: str
  skeleton: str | None = None
  options: tuple[str, ...] = ()
  suffixes: tuple[str, ...] | None = None
  joint_names: Callable[[pathlib.Path], Sequence[str] | None] | None = None
  usual_skeleton: str | None = None


def _video_reader(
  format: VideoFormat,
  a_video: str,
  skeleton: str | None = None,
  usual_skeleton: str | None = None,
) -> Reader:
  """The reader for a format that stores each video in its own file or folder."""
  return Reader(
    read=functools.partial(video_source.read, format),
    kind='file or folder',
    expects=_videos(a_video),
    skeleton=skeleton,
    options=('frame_size', 'max_people', 'per_person', 'normalized', 'trust_order'),
    suffixes=format.suffixes,
    joint_names=(
      functools.partial(video_source.joint_names, format)
      if format.joint_names
      else None
    ),
    usual_skeleton=usual_skeleton,
  )


def _videos(a_video: str) -> str:
  """Describes the paths at which `tree.find_videos` finds videos."""
  return f'{a_video}; a folder of them, or of CLASS/VIDEO; or one with videos.csv'


# Recognises the format from the files.
AUTO = 'auto'

READERS: dict[str, Reader] = {
  'pyskl': Reader(
    read=pyskl.read,
    kind='file',
    expects='a skeleton pickle of PYSKL or MMAction2, *.pkl',
    options=('frame_size', 'max_people', 'normalized'),
  ),
  'jhmdb_tree': Reader(
    read=jhmdb.read,
    kind='folder',
    expects='the folder that holds joint_positions/ and splits/ of JHMDB',
    skeleton='jhmdb',
  ),
  'penn_action': Reader(
    read=penn_action.read,
    kind='folder',
    expects='the labels/ folder of Penn Action, with 0001.mat, 0002.mat, ...',
    skeleton='penn_action',
  ),
  'ava': Reader(
    read=ava.read,
    kind='folder',
    expects=(
      'the folder that holds ava_train_v2.1.csv, ava_val_v2.1.csv and the other files'
      " of AVA v2.1, detected boxes, and the videos' poses in poses.pkl or poses/"
    ),
  ),
  'jmrn_official': Reader(
    read=jmrn_official.read,
    kind='folder',
    expects=(
      'the folder that holds *_train1.pkl, *_test1.pkl and so on, and the PoTion maps'
      " *.npy, of JMRN's official release"
    ),
    skeleton='jmrn_official_background',
  ),
  'openpose': _video_reader(
    VideoFormat(
      openpose.is_video, openpose.read_video, openpose.videos_in, suffixes=()
    ),
    "a folder of a video's frames *_keypoints.json",
  ),
  'openpose_maps': Reader(
    read=openpose_maps.read,
    kind='file or folder',
    expects=_videos("a folder of a video's frames *_heatmaps.png or *_heatmaps.float"),
    options=('frame_size', 'short_side'),
  ),
  'alphapose': _video_reader(
    VideoFormat(
      alphapose.is_video, alphapose.read_video, alphapose.videos_in, suffixes=JSON
    ),
    'a file of results *.json, or a folder with alphapose-results.json',
  ),
  'mmpose': _video_reader(
    VideoFormat(
      mmpose.is_video,
      mmpose.read_video,
      mmpose.videos_in,
      suffixes=JSON,
      joint_names=mmpose.joint_names,
    ),
    "a file of a video's predictions *.json, or a folder with a file per frame",
  ),
  'mediapipe': _video_reader(
    mediapipe.FORMAT,
    "a file of a video's landmarks *.json or *.csv",
    skeleton='mediapipe_33',
  ),
  'ultralytics': _video_reader(
    ultralytics.FORMAT,
    "a folder of a video's frames *_1.txt, *_2.txt, ..., or a file *.json",
    usual_skeleton='coco_17',
  ),
  'csv': _video_reader(
    csv_tables.FORMAT,
    'a table *.csv with columns of joints by name, in pixels',
  ),
  'coco': _video_reader(
    VideoFormat(
      coco.is_video,
      coco.read_video,
      coco.videos_in,
      suffixes=('.json',),
      joint_names=coco.joint_names,
    ),
    'a file of annotations *.json',
  ),
  'numpy': _video_reader(
    VideoFormat(
      numpy_arrays.is_video, numpy_arrays.read_video, suffixes=('.npy', '.npz')
    ),
    "a file of a video's keypoints *.npy or *.npz",
  ),
  'movement': _video_reader(
    VideoFormat(
      movement.is_video,
      movement.read_video,
      suffixes=movement.SUFFIXES,
      joint_names=movement.joint_names,
    ),
    "a file of a video's poses *.nc, as the package movement saves them",
  ),
  'sleap': _video_reader(
    VideoFormat(
      sleap.is_video,
      sleap.read_video,
      sleap.videos_in,
      suffixes=sleap.SUFFIXES,
      joint_names=sleap.joint_names,
    ),
    "SLEAP's project or predictions *.slp, or its analysis file *.h5",
  ),
  'deeplabcut': _video_reader(
    VideoFormat(
      deeplabcut.is_video,
      deeplabcut.read_video,
      suffixes=deeplabcut.SUFFIXES,
      joint_names=deeplabcut.joint_names,
    ),
    "a file of a video's predictions *.csv or *.h5",
  ),
}


# Other names of formats.
ALIASES = {'yolo': 'ultralytics', 'table': 'csv'}


def register_reader(format: str, reader: Reader):
  """Makes a reader available as a format in this process.

  Args:
    format: name for `--format` and `read_poses`.
    reader: what reads it.

  Raises:
    PoseDataError: if the format exists.

  Example:
    >>> import pose_action
    >>> from input_pipeline.poses.sources import PoseSource
    >>> def read(path, skeleton):
    ...   names = tuple(line.split()[0] for line in open(path))
    ...   return PoseSource(skeleton, (), {'all': names}, load=lambda name: None)
    >>> pose_action.register_reader(
    ...   'my_list', pose_action.Reader(read, kind='file', expects='a list of clips'))
  """
  if format in READERS or format in ALIASES or format == AUTO:
    raise PoseDataError(
      f'format {format!r} exists; choose another name for your reader'
    )
  READERS[format] = reader


def read_poses(
  format: str,
  path: str | os.PathLike[str],
  *,
  skeleton: str | None = None,
  options: ReadOptions | None = None,
  of_model: Skeleton | None = None,
) -> ClipSource:
  """Opens pose files as a source of clips; loads none of them yet.

  Args:
    format: a name in `READERS`, or 'auto'.
    path: the file or folder that the format expects.
    skeleton: name of a registered skeleton; required if neither the format fixes one nor
      the files name their joints.
    options: what the files do not state.
    of_model: the skeleton of the model that reads the poses; taken if neither the user,
      the format nor the files name another.

  Raises:
    PoseDataError: on an unknown format, a path that is not what the format expects, a
      skeleton that is missing or not the format's, or an option that the format does
      not accept.
    SkeletonError: if no such skeleton is registered.
  """
  with as_pose_data_error(f'{shortened(str(path))} cannot be read'):
    place = user_path(path)
    return _read_poses(format, place, skeleton, options or ReadOptions(), of_model)


def _read_poses(
  format: str,
  path: pathlib.Path,
  skeleton: str | None,
  options: ReadOptions,
  of_model: Skeleton | None,
) -> ClipSource:
  format, notes = resolved_format(format, path)
  reader = _get_reader(format)
  if not path.exists():
    raise PoseDataError(
      f'{path} does not exist; format {format!r} expects {reader.expects}'
    )
  kind = 'folder' if path.is_dir() else 'file'
  if kind not in reader.kind:
    raise PoseDataError(
      f'{path} is a {kind}, but format {format!r} expects {reader.expects}'
    )
  if kind == 'file':
    _check_suffix(path, format, reader)
  _check_options(format, reader, options)
  layout, chosen = choose_skeleton(
    skeleton,
    format=format,
    fixed=reader.skeleton,
    usual=reader.usual_skeleton,
    where=str(path),
    read_names=functools.partial(reader.joint_names, path)
    if reader.joint_names
    else lambda: None,
    of_model=of_model,
  )
  source = reader.read(path, layout, *([options] if reader.options else []))
  given = {name: getattr(options, name) for name in options.given}
  origin = Origin((str(path.absolute()),), format, source.skeleton.name, given)
  source = dataclasses.replace(source, origin=origin)
  source = sources.with_frame_rate(source, options.frame_rate)
  return _checking_sizes(with_notes(source, (*notes, *chosen)), options)


def resolved_format(
  format: str, path: str | os.PathLike[str]
) -> tuple[str, tuple[Note, ...]]:
  """A format's name, recognised from the files if it is 'auto', and how.

  Raises:
    PoseDataError: for an unknown format, or with 'auto' if the path does not exist or
      is not recognised.
  """
  if format != AUTO:
    _get_reader(format)
    return ALIASES.get(format, format), ()
  with as_pose_data_error(f'{shortened(str(path))} cannot be read'):
    path = user_path(path)
    if not path.exists():
      raise PoseDataError(f'{path} does not exist; give a file or folder of poses')
    name, note = recognise(path)
    return name, (note,)


def _check_suffix(path: pathlib.Path, format: str, reader: Reader):
  """Checks that a file may be of the format; names the formats that it may be of."""
  suffix = suffix_of(path)
  if reader.suffixes is None or suffix in reader.suffixes or path.name == TABLE:
    return
  fitting = [name for name, r in READERS.items() if suffix in (r.suffixes or ())]
  hint = f'; *{suffix} fits format {" or ".join(fitting)}' if fitting else ''
  raise PoseDataError(
    f'{path} is not a file of format {format!r}, which expects {reader.expects}{hint}'
  )


def _checking_sizes(source: ClipSource, options: ReadOptions) -> ClipSource:
  """The source, whose clips note what is doubtful in their frame size."""
  if not isinstance(source, PoseSource):
    return source
  load = functools.partial(_with_size_notes, source.load, options.frame_size)
  return dataclasses.replace(source, load=load)


def _with_size_notes(
  load: Callable[[str], PoseClip], given: tuple[int, int] | None, video_id: str
) -> PoseClip:
  """Loads a clip, and notes what is doubtful in its frame size, whatever its format."""
  clip = load(video_id)
  notes = size_notes(clip.keypoints, clip.scores, clip.frame_size, given)
  return dataclasses.replace(clip, notes=(*clip.notes, *notes)) if notes else clip


def _check_options(format: str, reader: Reader, options: ReadOptions):
  for name in options.given:
    if name not in (*reader.options, 'frame_rate'):
      takes = ', '.join(reader.options) or 'none'
      raise PoseDataError(
        f'format {format!r} takes no {name}; its options are: {takes}. Leave {name} out'
      )


def _get_reader(format: str) -> Reader:
  format = ALIASES.get(format, format)
  if format not in READERS:
    nearest = difflib.get_close_matches(format, READERS, n=1, cutoff=0.4)
    hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
    raise PoseDataError(
      f'there is no pose format {format!r}{hint} Known: {", ".join(sorted(READERS))}; or'
      f' {AUTO!r}, which recognises it'
    )
  return READERS[format]
