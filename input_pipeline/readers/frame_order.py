"""Which video and which frame a name or a number stands for; the same for all readers.

A reader passes the names of images or files (`videos_of`), or the numbers that a file
states (`number_of`, `frames_by_number`). Nothing is guessed: names that leave a doubt
are refused, and the error quotes two of them.

  videos = videos_of(['lap_1_0000.jpg', 'lap_1_0001.jpg', 'lap_2_0000.jpg'], 'out.json')
  # {'lap_1': {0: 'lap_1_0000.jpg', 1: 'lap_1_0001.jpg'}, 'lap_2': {0: ...}}
  frames = one_video(videos, 'lap_2', 'out.json')  # {0: 'lap_2_0000.jpg'}

`VideoFormat.parts` returns the videos as they are, so that a note says that names were
split.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers import frame_fields

# Names by frame number, by video.
Videos = dict[str, dict[int, str]]

_WHOLE = re.compile(r'\s*[-+]?[0-9]{1,18}\s*')
_SEPARATORS = ' _-.,(['


def videos_of(names: Iterable[str], where: str) -> Videos:
  """Names by frame number, ascending, for each video, in the order of first names.

  Names that differ only in their frame number are frames of one video; other text or
  numbers before the frame number belong to the video's name. Folders, hashes such as
  Roboflow's `.rf.HASH`, and suffixes are understood; a time of day gives numbers by its
  regular steps.

  Args:
    names: names of images or files, with or without folders and suffixes; the same name
      may come more than once.
    where: the file or folder that has the names, for messages.

  Returns:
    Each name once, by video and frame number. The only video is called ''.

  Raises:
    PoseDataError: quoting the names, if a name has no number, two names have one
      number, or the names do not show which number is the frame's.
  """
  cut_up = frame_fields.cut(dict.fromkeys(names))
  for name in cut_up:
    if len(name.pieces) < 3:
      raise PoseDataError(
        f'{where}: {name.text!r} has no number in its name, but needs its frame number'
        ' there (digits of a hash do not count)'
      )
  try:
    places = frame_fields.places(cut_up)
  except frame_fields.UnclearNamesError as error:
    raise PoseDataError(f'{where}: {error}') from error
  frames: dict[_Key, dict[int, str]] = {}
  order = {name.text: rank for rank, name in enumerate(cut_up)}
  for place in sorted(places, key=lambda place: order[place.name.text]):
    video = frames.setdefault((place.name.folder, place.prefix), {})
    if place.number in video:
      raise PoseDataError(
        f'{where}: {video[place.number]!r} and {place.name.text!r} have the same frame'
        f' number {place.number}; keep one, or give each video its own folder or file'
      )
    video[place.number] = place.name.text
  _check_lengths(frames, where)
  videos = (dict(sorted(video.items())) for video in frames.values())
  return dict(zip(_video_names(list(frames)), videos, strict=True))


_Key = tuple[str, str]  # The folder, and what is before the frame number.


def _check_lengths(videos: Mapping[_Key, Mapping[int, str]], where: str):
  """Checks that names without folders are not mostly alone in their videos.

  Raises:
    PoseDataError: quoting two of them.
  """
  by_folder: dict[str, list[Mapping[int, str]]] = {}
  for (folder, _), frames in videos.items():
    by_folder.setdefault(folder, []).append(frames)
  for frames in by_folder.values():
    single = [next(iter(video.values())) for video in frames if len(video) == 1]
    if len(single) > 1 and len(single) > len(frames) / 2:
      raise PoseDataError(
        f'{where}: {single[0]!r} and {single[1]!r} are frames of one video only if the'
        ' text before their frame numbers is the same; rename them, or give each video'
        ' its own folder or file'
      )


def _video_names(keys: Sequence[_Key]) -> list[str]:
  """Short names: the folder, with what is before the frame number only if needed."""
  if len(keys) == 1:
    return ['']
  per_folder = Counter(folder for folder, _ in keys)

  def named(key: _Key, prefix: str) -> str:
    folder = key[0]
    if per_folder[folder] == 1 and folder:
      return folder
    return f'{folder}/{prefix}' if folder else prefix

  short = [named(key, key[1].strip(_SEPARATORS)) for key in keys]
  if len(set(short)) == len(short):
    return short
  return [named(key, key[1]) for key in keys]


def one_video(videos: Videos, part: str, where: str) -> dict[int, str]:
  """The frames of the video called `part`; those of the only video in any case.

  Raises:
    PoseDataError: if there are several videos, and none has this name.
  """
  if len(videos) == 1:
    return next(iter(videos.values()))
  if part not in videos:
    raise PoseDataError(
      f'{where} has no video {part!r}; the first of its {len(videos)} videos are'
      f' {", ".join(list(videos)[:3])}'
    )
  return videos[part]


def split_notes(videos: Mapping[str, Any], where: str) -> tuple[Note, ...]:
  """One note if names were split into several videos, else none."""
  if len(videos) < 2:
    return ()
  first = ', '.join(repr(name) for name in list(videos)[:5])
  more = ', ...' if len(videos) > 5 else ''
  return (
    Note(
      'split_by_name',
      f'{where} holds the frames of {len(videos)} videos, split by name: {first}{more}',
    ),
  )


def number_of(value: Any, where: str) -> int:
  """The frame number that a file states: 12 from 12, 12.0, '12', '0012' or '12.0'.

  Args:
    where: file, entry and field, for messages.

  Raises:
    PoseDataError: if `value` is not a whole number.
  """
  try:
    if isinstance(value, bool):
      raise ValueError
    if isinstance(value, int) or (isinstance(value, str) and _WHOLE.fullmatch(value)):
      return int(value)
    number = float(value)
    if number.is_integer():  # Never infinity or NaN.
      return int(number)
  except (TypeError, ValueError, OverflowError):
    pass
  raise PoseDataError(
    f'{where} is {value!r}, but must be a frame number, which is a whole number'
  )


def frames_by_number(numbered: Iterable[tuple[int, str]], where: str) -> dict[int, str]:
  """What has each frame number, ascending, where every number may come only once.

  Args:
    numbered: numbers, and what has each, for messages: a line, an entry, an image.

  Raises:
    PoseDataError: naming two that have one number.
  """
  frames: dict[int, str] = {}
  for number, name in numbered:
    if number in frames:
      raise PoseDataError(
        f'{where}: {frames[number]} and {name} are both frame {number}; keep one, or'
        ' give each video its own file'
      )
    frames[number] = name
  return dict(sorted(frames.items()))
