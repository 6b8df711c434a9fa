"""The formats of pose data that the library reads, by name."""

from __future__ import annotations

import dataclasses
import difflib
import os
import pathlib
from collections.abc import Callable

from input_pipeline.pose_clip import PoseDataError
from input_pipeline.pose_source import ClipSource
from input_pipeline.readers import jhmdb_tree, jmrn_official, penn_action, pyskl
from input_pipeline.skeletons import Skeleton, get_skeleton


@dataclasses.dataclass(frozen=True)
class Reader:
  """One foreign format.

  Attributes:
    read: makes the source of a path.
    kind: what the path is, 'file' or 'folder'.
    expects: what stands at the path, for messages.
    skeleton: the registered skeleton that the format fixes; None where the user says.
  """

  read: Callable[[pathlib.Path, Skeleton], ClipSource]
  kind: str
  expects: str
  skeleton: str | None = None


READERS: dict[str, Reader] = {
  'pyskl': Reader(
    read=pyskl.read,
    kind='file',
    expects='a skeleton pickle of PYSKL or MMAction2, *.pkl',
  ),
  'jhmdb_tree': Reader(
    read=jhmdb_tree.read,
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
  'jmrn_official': Reader(
    read=jmrn_official.read,
    kind='folder',
    expects=(
      'the folder that holds *_train1.pkl, *_test1.pkl and so on, and the PoTion maps'
      " *.npy, of JMRN's official release"
    ),
    skeleton='jmrn_official_background',
  ),
}


def read_poses(
  format: str, path: str | os.PathLike[str], *, skeleton: str | None = None
) -> ClipSource:
  """The clips of a data set in a foreign format, not yet loaded.

  Args:
    format: a name in `READERS`.
    path: the file or folder that the format expects.
    skeleton: the name of a registered skeleton; needed where the format does not fix
      one.

  Raises:
    PoseDataError: on an unknown format, a path that is not what the format expects, a
      skeleton that is missing or not the format's.
    SkeletonError: where no such skeleton is registered.
  """
  reader = _get_reader(format)
  layout = get_skeleton(_skeleton_name(format, reader, skeleton))
  path = pathlib.Path(path).expanduser()
  if not path.exists():
    raise PoseDataError(
      f'{path} does not exist; format {format!r} expects {reader.expects}'
    )
  if path.is_dir() != (reader.kind == 'folder'):
    raise PoseDataError(
      f'{path} is a {"folder" if path.is_dir() else "file"}, but format {format!r}'
      f' expects {reader.expects}'
    )
  return reader.read(path, layout)


def _get_reader(format: str) -> Reader:
  if format not in READERS:
    nearest = difflib.get_close_matches(format, READERS, n=1, cutoff=0.4)
    hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
    raise PoseDataError(
      f'there is no pose format {format!r}{hint} Known: {", ".join(sorted(READERS))}'
    )
  return READERS[format]


def _skeleton_name(format: str, reader: Reader, asked: str | None) -> str:
  if reader.skeleton is None:
    if asked is None:
      raise PoseDataError(
        f'format {format!r} does not say which joint is which: name the skeleton, for'
        " example skeleton='coco_17' (input_pipeline/skeletons.py lists them)"
      )
    return asked
  if asked not in (None, reader.skeleton):
    raise PoseDataError(
      f'format {format!r} always has the skeleton {reader.skeleton!r}, not {asked!r};'
      ' leave the skeleton out'
    )
  return reader.skeleton
