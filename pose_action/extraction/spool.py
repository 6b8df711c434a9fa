"""The progress of an extraction on disk: its settings and finished clips.

`<data_dir>/.extract-<dataset>/` holds `settings.json`, a folder per finished clip and a
file per finished video. Each is written atomically, so that an extraction continues after
its last finished clip if it was killed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDatasetError
from input_pipeline.maps.quantization import quantize
from pose_action.host import atomic_files
from pose_action.host.nested import flattened
from pose_action.host.user_paths import user_path

_CLIP = 'clip.json'
_SETTINGS = 'settings.json'
_FRAMES_AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class SpooledClip:
  """A finished clip, or part of a long video.

  Attributes:
    folder: holds its arrays.
    num_frames: number of frames.
    frame_size: (height, width) in pixels.
    shapes: shape of each array, by name: the modalities (uint8 `[t, h, w, c]`) and
      'keypoints' (float32 `[t, j, 3]`: x and y in pixels, score).
    features_scale: the value that 255 means in features; None without features.
    frame_rate: frames per second; None if unknown.
  """

  folder: pathlib.Path
  num_frames: int
  frame_size: tuple[int, int]
  shapes: Mapping[str, tuple[int, ...]]
  features_scale: float | None
  frame_rate: float | None = None

  def read(self, name: str) -> np.ndarray:
    """An array by its name in `shapes`."""
    dtype = np.float32 if name == 'keypoints' else np.uint8
    array = np.fromfile(self.folder / name, dtype)
    return array.reshape(self.shapes[name])


class ClipWriter:
  """Writes a clip's arrays chunk by chunk; `finish` adds the clip to the spool."""

  def __init__(self, target: pathlib.Path):
    self._target = target
    self._folder = target.with_name(f'{target.name}.unfinished')
    if self._folder.exists():  # Left by an extraction that was killed.
      shutil.rmtree(self._folder)
    self._folder.mkdir(parents=True)
    self._shapes: dict[str, tuple[int, ...]] = {}
    self._features_scale = 0.0
    self.num_frames = 0

  def append(self, arrays: Mapping[str, np.ndarray]):
    """Adds the next frames.

    Args:
      arrays: per modality uint8, features as float16; and 'keypoints'.
    """
    for name, array in arrays.items():
      with open(self._folder / name, 'ab') as file:
        array.tofile(file)
      self._shapes[name] = (self.num_frames + len(array), *array.shape[1:])
    if 'features' in arrays:
      largest = float(arrays['features'].max())
      self._features_scale = max(self._features_scale, largest)
    self.num_frames += len(next(iter(arrays.values())))

  def finish(
    self, frame_size: tuple[int, int], frame_rate: float | None = None
  ) -> SpooledClip:
    """Completes the clip.

    Args:
      frame_size: (height, width) in pixels.
      frame_rate: frames per second, if known.
    """
    has_features = 'features' in self._shapes
    if has_features:
      self._quantize_features()
    description = {
      'num_frames': self.num_frames,
      'frame_size': list(frame_size),
      'shapes': self._shapes,
      'features_scale': self._features_scale if has_features else None,
      'frame_rate': frame_rate,
    }
    (self._folder / _CLIP).write_text(json.dumps(description))
    self._folder.rename(self._target)
    return _read_clip(self._target)

  def _quantize_features(self):
    """Converts features to 8 bits, now that the clip's largest value is known."""
    path = self._folder / 'features'
    numbers = self._folder / 'features.float16'
    path.rename(numbers)
    shape = self._shapes['features']
    per_chunk = _FRAMES_AT_ONCE * int(np.prod(shape[1:]))
    with open(numbers, 'rb') as source, open(path, 'wb') as file:
      while len(chunk := np.fromfile(source, np.float16, per_chunk)):
        codes = quantize(chunk.astype(np.float32), 'features', self._features_scale)
        codes.tofile(file)
    numbers.unlink()


class Spool:
  """The finished clips and videos of one extraction."""

  def __init__(self, folder: pathlib.Path):
    self.folder = folder

  def clips(self, video_id: str) -> list[SpooledClip]:
    """The finished clips of a video, in order; a long video has several."""
    clips = []
    while (folder := self._clip_folder(video_id, len(clips))).is_dir():
      clips.append(_read_clip(folder))
    return clips

  def begin_clip(self, video_id: str, part: int) -> ClipWriter:
    """Starts the clip with this number within its video, from 0."""
    return ClipWriter(self._clip_folder(video_id, part))

  def finish_video(self, video_id: str, note: str | None):
    """Marks a video whose clips are all finished.

    Args:
      note: what is unusual about the video, if anything.
    """
    content = {'video_id': video_id, 'note': note}
    atomic_files.write_text(self._video_file(video_id), json.dumps(content))

  def is_finished(self, video_id: str) -> bool:
    return self._video_file(video_id).is_file()

  def note(self, video_id: str) -> str | None:
    """What is unusual about a finished video, if anything."""
    return json.loads(self._video_file(video_id).read_text())['note']

  def is_exported(self, representation: str) -> bool:
    """Whether the clips have been exported as this representation."""
    return (self.folder / f'exported_{representation}').exists()

  def mark_exported(self, representation: str):
    atomic_files.write_text(self.folder / f'exported_{representation}', '')

  def remove(self):
    """Deletes the spool's folder."""
    shutil.rmtree(self.folder)

  def _clip_folder(self, video_id: str, part: int) -> pathlib.Path:
    return self.folder / 'clips' / f'{_key(video_id)}_{part:06d}'

  def _video_file(self, video_id: str) -> pathlib.Path:
    return self.folder / 'videos' / f'{_key(video_id)}.json'


def spool_dir(data_dir: PathLike, dataset: str) -> pathlib.Path:
  """The folder of a data set's spool."""
  return user_path(data_dir) / f'.extract-{dataset}'


@contextlib.contextmanager
def open_spool(
  data_dir: PathLike, dataset: str, settings: Mapping[str, Any]
) -> Iterator[Spool]:
  """Opens a data set's spool, new or left by an earlier call, for one process.

  Raises:
    PoseDatasetError: if another process is extracting this data set, or the clips in the
      spool were extracted with other settings.
  """
  folder = spool_dir(data_dir, dataset)
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / 'lock'
  # The lock ends with its process.
  with open(path, 'w') as lock:
    try:
      fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
      # The previous owner may have removed the file after we opened it.
      ours = os.path.samestat(os.fstat(lock.fileno()), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
      ours = False
    if not ours:
      raise PoseDatasetError(
        f'another process is extracting {dataset!r}; wait until it ends'
      )
    _check_settings(folder, settings)
    yield Spool(folder)


def _check_settings(folder: pathlib.Path, settings: Mapping[str, Any]):
  path = folder / _SETTINGS
  settings = json.loads(json.dumps(settings))  # Tuples become lists, as in the file.
  if not path.exists():
    atomic_files.write_text(path, json.dumps(settings, indent=2))
    return
  saved, settings = flattened(json.loads(path.read_text())), flattened(settings)
  differences = [
    f'{name} {saved.get(name)}, not {settings.get(name)}'
    for name in {**saved, **settings}
    if saved.get(name) != settings.get(name)
  ]
  if differences:
    raise PoseDatasetError(
      f'an unfinished extraction in {folder} was made with {", ".join(differences)};'
      ' continue with its settings, or remove that folder to start again'
    )


def _read_clip(folder: pathlib.Path) -> SpooledClip:
  fields = json.loads((folder / _CLIP).read_text())
  height, width = fields['frame_size']
  return SpooledClip(
    folder=folder,
    num_frames=fields['num_frames'],
    frame_size=(height, width),
    shapes={name: tuple(shape) for name, shape in fields['shapes'].items()},
    features_scale=fields['features_scale'],
    frame_rate=fields.get('frame_rate'),  # Missing in spools of earlier releases.
  )


def _key(video_id: str) -> str:
  """A valid file name for any video id."""
  return hashlib.sha256(video_id.encode()).hexdigest()[:24]
