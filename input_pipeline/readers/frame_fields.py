"""Which of the numbers in a name counts the frames.

Names are cut into text and digits. Names with the same text are compared: digits that
differ belong to the video or count its frames, and digits that never differ say nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from input_pipeline.readers.frame_times import are_times, numbers_by_time

# '.jpg', '.json', '.mp4'; but not '.870', which is a part of a time.
_SUFFIX = re.compile(r'\.(?:[A-Za-z]{2,5}|mp4|jp2)$')
_ROBOFLOW = re.compile(
  r'(?:[_.](?:jpe?g|png|bmp|webp|tiff?))?\.rf\.\w+$', re.IGNORECASE
)
_UUID = re.compile(
  r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', re.IGNORECASE
)
# OpenPose appends the frame number in 12 digits, and the kind of its output.
_OPENPOSE = re.compile(r'_(?:keypoints|rendered|pose_heatmaps|pose)')
_OPENPOSE_DIGITS = 12
_FRAME_WORD = re.compile(r'(?:^|[^a-z])(?:frames?|frm)[^a-z0-9]*$', re.IGNORECASE)
# The shortest hashes have 8 digits; 16 or more are one even in a single name (ours).
_HEX = re.compile(r'[0-9a-f]{8,}|[0-9A-F]{8,}')
_LONG_HEX = 16


class UnclearNamesError(ValueError):
  """Two names do not show which number counts the frames; the message quotes them."""


@dataclasses.dataclass(frozen=True)
class Name:
  """A name, cut up.

  Attributes:
    text: the whole name.
    folder: the folders in the name, '' if there are none.
    pieces: text, digits, text, digits, ..., text, without folders, suffix and hash.
  """

  text: str
  folder: str
  pieces: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Place:
  """The video and the frame of a name.

  Attributes:
    name: the name.
    prefix: what is before the frame number, without folders: the same for one video.
    number: the frame number.
  """

  name: Name
  prefix: str
  number: int


def cut(names: Iterable[str]) -> list[Name]:
  """Cuts names into folders, text and digits."""
  names = list(names)
  split = [name.replace('\\', '/').rpartition('/') for name in names]
  stems = _without_hashes([_stem(base) for _, _, base in split])
  return [
    Name(name, folder, _pieces(stem))
    for name, (folder, _, _), stem in zip(names, split, stems, strict=True)
  ]


def places(names: Sequence[Name]) -> list[Place]:
  """The video and frame of each name, each of which has a number.

  Raises:
    UnclearNamesError: if names do not show which of their numbers counts the frames.
  """
  alike: dict[tuple[str, ...], list[Name]] = defaultdict(list)
  for name in names:
    alike[(name.folder, *name.pieces[::2])].append(name)
  found: list[Place] = []
  for group in alike.values():
    if len(group) > 1:
      found += _places_of(group)
  videos = {(place.name.folder, place.prefix) for place in found}
  alone = [group[0] for group in alike.values() if len(group) == 1]
  for name in alone:
    known = [
      index
      for index in range(1, len(name.pieces), 2)
      if (name.folder, ''.join(name.pieces[:index])) in videos
    ]
    found.append(_place(name, known[-1] if known else _of_single(name, alone)))
  return found


def _stem(base: str) -> str:
  stem = base
  while (shorter := _SUFFIX.sub('', stem)) != stem and shorter:
    stem = _ROBOFLOW.sub('', shorter) or shorter
  return _ROBOFLOW.sub('', stem) or stem


def _pieces(stem: str) -> tuple[str, ...]:
  if re.fullmatch(r'-[0-9]+', stem):
    return '', stem, ''
  return tuple(re.split(r'([0-9]+)', stem))


def _place(name: Name, index: int, ignored: Sequence[int] = ()) -> Place:
  before = [piece for i, piece in enumerate(name.pieces[:index]) if i not in ignored]
  return Place(name, ''.join(before), int(name.pieces[index]))


def _of_single(name: Name, alone: Sequence[Name]) -> int:
  """The place of the frame number in a name whose text no other name has.

  It is the first number if other such names have the same text before theirs, and other
  numbers: the text behind the number then says nothing ('frame_12_Xy'). Otherwise it is
  the last.
  """
  start = (name.folder, name.pieces[0])
  like = [other for other in alone if (other.folder, other.pieces[0]) == start]
  numbers = {int(other.pieces[1]) for other in like}
  return 1 if len(numbers) == len(like) > 1 else len(name.pieces) - 2


def _places_of(names: Sequence[Name]) -> list[Place]:
  """The places of several names with the same text."""
  indices = range(1, len(names[0].pieces), 2)
  varying = [i for i in indices if len({name.pieces[i] for name in names}) > 1]
  if not varying:  # One name, or names that differ in their hashes.
    return [_place(name, indices[-1]) for name in names]
  if all(_is_from_openpose(name) for name in names):
    return [_place(name, indices[-1]) for name in names]
  by_time = _places_by_time(names, varying)
  if by_time is not None:
    return by_time
  if len(varying) == 1:
    return [_place(name, varying[0]) for name in names]
  distinct = [
    i for i in varying if len({int(n.pieces[i]) for n in names}) == len(names)
  ]
  if varying[0] in distinct:
    index = _agreed(names, distinct)
    ignored = [i for i in distinct if i < index]
    return [_place(name, index, ignored) for name in names]
  return _places_of_videos(names, varying)


def _is_from_openpose(name: Name) -> bool:
  *_, digits, text = name.pieces
  return len(digits) == _OPENPOSE_DIGITS and _OPENPOSE.fullmatch(text) is not None


def _places_of_videos(names: Sequence[Name], varying: Sequence[int]) -> list[Place]:
  """The places of names whose first number that differs is the video's."""
  first = varying[0]
  videos: dict[str, list[Name]] = defaultdict(list)
  for name in names:
    videos[name.pieces[first]].append(name)
  if _FRAME_WORD.search(names[0].pieces[first - 1]):
    numbers = Counter(int(name.pieces[first]) for name in names)
    number = next(number for number, count in numbers.items() if count > 1)
    one, other = [name for name in names if int(name.pieces[first]) == number][:2]
    raise UnclearNamesError(
      f'{one.text!r} and {other.text!r} have the same frame number {number}; give each'
      ' video its own folder or file'
    )
  found = [
    place for group in videos.values() if len(group) > 1 for place in _places_of(group)
  ]
  alone = [group[0] for group in videos.values() if len(group) == 1]
  # A video of one frame has its number where the others have theirs.
  lengths = Counter(len(_pieces(place.prefix)) for place in found)
  index = lengths.most_common(1)[0][0] if found else varying[-1]
  return found + [_place(name, min(index, varying[-1])) for name in alone]


def _places_by_time(
  names: Sequence[Name], varying: Sequence[int]
) -> list[Place] | None:
  """The places of names that state a time; None if they do not.

  Raises:
    UnclearNamesError: if they state times without regular steps.
  """
  pieces = [name.pieces for name in names]
  last = varying[-1]
  if len(varying) == 1 and _counts([int(name[last]) for name in pieces]):
    return None
  numbers = numbers_by_time(pieces, varying)
  if numbers is not None:
    start = ''.join(names[0].pieces[: varying[0]])
    return [
      Place(name, start, number) for name, number in zip(names, numbers, strict=True)
    ]
  if len(varying) > 1 and are_times(pieces, varying) and not _count_up(names, last):
    one, other = names[0], next(n for n in names if _differs(names[0], n, last))
    raise UnclearNamesError(
      f'{one.text!r} and {other.text!r} state times, which are not in regular steps, so'
      ' the last number is no frame number; number the frames one by one'
    )
  return None


def _differs(one: Name, other: Name, last: int) -> bool:
  return one.pieces[:last] != other.pieces[:last]


def _count_up(names: Sequence[Name], last: int) -> bool:
  """Whether the last number counts one by one for each text before it."""
  videos: dict[tuple[str, ...], list[int]] = defaultdict(list)
  for name in names:
    videos[name.pieces[:last]].append(int(name.pieces[last]))
  return all(_is_dense(numbers) and _step(numbers) == 1 for numbers in videos.values())


def _agreed(names: Sequence[Name], distinct: Sequence[int]) -> int:
  """The number that counts frames, among those of which each name has its own.

  Raises:
    UnclearNamesError: if they order the names differently, and none or several of them
      count nearly one by one.
  """
  orders = {
    index: [n.text for n in sorted(names, key=lambda n: int(n.pieces[index]))]
    for index in distinct
  }
  if len({tuple(order) for order in orders.values()}) == 1:
    return distinct[0]
  worded = [i for i in distinct if _FRAME_WORD.search(names[0].pieces[i - 1])]
  dense = [i for i in distinct if _is_dense([int(n.pieces[i]) for n in names])]
  for clear in (worded, dense):
    if len(clear) == 1:
      return clear[0]
  one, other = next(
    pair
    for pair in zip(orders[distinct[0]], orders[distinct[-1]], strict=True)
    if pair[0] != pair[1]
  )
  raise UnclearNamesError(
    f'{one!r} and {other!r} each have several numbers, which order the frames'
    ' differently; name the images so that the frame number is the only one that changes'
  )


def _step(numbers: Sequence[int]) -> int:
  ordered = sorted(numbers)
  return math.gcd(*(b - a for a, b in itertools.pairwise(ordered)))


def _counts(numbers: Sequence[int]) -> bool:
  """Whether numbers count one by one, perhaps with gaps."""
  return _is_dense(numbers) and _step(numbers) == 1


def _is_dense(numbers: Sequence[int]) -> bool:
  """Whether at least half of the numbers from the first to the last are there."""
  span = max(numbers) - min(numbers)
  return len(numbers) > 2 and span // max(1, _step(numbers)) + 1 <= 2 * len(numbers)


def _without_hashes(stems: Sequence[str]) -> list[str]:
  """Removes hashes of which each name has its own; others may name a video.

  A hash is recognised by its place and length: most names have digits and letters in
  alternation there, hardly ever in the same pattern.
  """
  uuids = [match[0] for stem in stems if (match := _UUID.search(stem))]
  if len(set(uuids)) == len(uuids):
    stems = [_UUID.sub('', stem) for stem in stems]
  cut_up = [re.split(r'([^0-9A-Za-z]+)', stem) for stem in stems]
  columns: dict[tuple[int, int], list[int]] = defaultdict(list)
  for row, parts in enumerate(cut_up):
    for index in range(0, len(parts), 2):
      if _HEX.fullmatch(parts[index]):
        columns[index, len(parts[index])].append(row)
  for (index, length), rows in columns.items():
    values = [cut_up[row][index] for row in rows]
    if _are_hashes(values, length) and len(set(values)) == len(values):
      for row in rows:
        cut_up[row][index] = ''
  return [''.join(parts) for parts in cut_up]


def _are_hashes(values: Sequence[str], length: int) -> bool:
  patterns = {re.sub(r'[0-9]+', '#', value) for value in values}
  mixed = sum(len(re.findall(r'[0-9]+|[a-fA-F]+', value)) > 2 for value in values)
  enough = len(values) > 1 or length >= _LONG_HEX
  return enough and mixed >= len(values) / 2 and len(patterns) > len(set(values)) / 2
