"""The poses of an extraction as files that a user can edit and every command reads.

`<data_dir>/<dataset>/poses/` holds `videos.csv`, with one row per clip, and one JSON file
per clip, with one line per frame:

  {"meta_info": {"keypoint_id2name": {"0": "nose", ...}},
   "instance_info": [
    {"frame_id": 0, "instances": [
      {"track_id": 0, "keypoints": [[x, y], ...], "keypoint_scores": [...]}]},
    ...

Positions are pixels, and a missing joint has score 0, as in the predictions of MMPose. The
columns `video`, `video_start` and `video_stride` say in which frames of which video the
poses were found, so that they can be drawn on it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers.videos.table import TABLE
from pose_action.host import atomic_files

FOLDER = 'poses'
COLUMNS = (
  *('id', 'path', 'split', 'group', 'label', 'height', 'width', 'fps'),
  *('video', 'video_start', 'video_stride'),
)
_DIGITS = 2  # Of a position in pixels: well below what a network resolves (our choice).
_LONGEST_NAME = 100  # Characters of a clip's name in a file name (our choice).


def write_pose_files(source: PoseSource, folder: pathlib.Path) -> int:
  """Writes all clips of a source; an existing folder is replaced.

  Args:
    source: the clips, with one label each. One clip is in memory at a time.
    folder: the folder to write, which appears when it is complete.

  Returns:
    The number of clips.
  """
  splits: dict[str, list[str]] = {}
  for split, video_ids in source.splits.items():
    for video_id in video_ids:
      splits.setdefault(video_id, []).append(split)
  folder.parent.mkdir(parents=True, exist_ok=True)
  unfinished = pathlib.Path(
    tempfile.mkdtemp(prefix=f'.{folder.name}.', dir=folder.parent)
  )
  try:
    rows = []
    for video_id, names in splits.items():
      clip = source.load(video_id)
      file = file_name(video_id)
      (unfinished / file).write_text(as_json(clip), 'utf-8')
      rows.append(_row(clip, file, names, source))
    write_table(unfinished / TABLE, rows)
    unfinished.chmod(0o777 & ~_umask())
    if folder.exists():
      shutil.rmtree(folder)
    os.rename(unfinished, folder)
  except BaseException:
    shutil.rmtree(unfinished, ignore_errors=True)
    raise
  return len(splits)


def as_json(clip: PoseClip) -> str:
  """A clip's poses as the text of its file."""
  names = {str(number): name for number, name in enumerate(clip.skeleton.joints)}
  frames = [
    json.dumps({'frame_id': number, 'instances': _people(people, scores)})
    for number, (people, scores) in enumerate(
      zip(clip.keypoints, clip.scores, strict=True)
    )
  ]
  head = json.dumps({'keypoint_id2name': names})
  lines = ',\n'.join(f'  {frame}' for frame in frames)
  return f'{{"meta_info": {head},\n "instance_info": [\n{lines}\n]}}\n'


def write_table(path: pathlib.Path, rows: Sequence[Mapping[str, str]]):
  """Writes `videos.csv`; each row has all columns."""
  columns = list(rows[0]) if rows else list(COLUMNS)
  text = io.StringIO()
  writer = csv.DictWriter(text, columns, lineterminator='\n')
  writer.writeheader()
  writer.writerows(rows)
  atomic_files.write_text(path, text.getvalue())


def file_name(video_id: str) -> str:
  """A file name without folders, unique per clip."""
  safe = re.sub(r'[^\w.-]+', '_', video_id).lstrip('.')[:_LONGEST_NAME]
  if safe == video_id:
    return f'{safe}.json'
  return f'{safe}_{hashlib.sha256(video_id.encode()).hexdigest()[:8]}.json'


def _row(
  clip: PoseClip, file: str, splits: Sequence[str], source: PoseSource
) -> dict[str, str]:
  height, width = clip.frame_size
  rate = clip.frame_rate
  values = (
    clip.video_id,
    file,
    ';'.join(splits),
    source.groups.get(clip.video_id, ''),
    source.class_names[clip.labels[0]],
    str(height),
    str(width),
    '' if rate is None else f'{rate:.6g}',
    *_footage(clip.footage),
  )
  return dict(zip(COLUMNS, values, strict=True))


def _footage(footage: Footage | None) -> tuple[str, str, str]:
  """The video of a clip, its first frame there, and the stride; '' if unknown."""
  if footage is None:
    return '', '', ''
  return str(footage.path.absolute()), str(footage.start), str(footage.stride)


def _people(people: np.ndarray, scores: np.ndarray) -> list[dict[str, Any]]:
  """The people of one frame; those without any joint are left out."""
  return [
    {
      'track_id': person,
      'keypoints': [[round(float(v), _DIGITS) for v in point] for point in joints],
      'keypoint_scores': [round(float(score), 6) for score in shares],
    }
    for person, (joints, shares) in enumerate(zip(people, scores, strict=True))
    if (shares > 0).any()
  ]


def _umask() -> int:
  """The process's mask, which `mkdtemp` ignores."""
  mask = os.umask(0)
  os.umask(mask)
  return mask
