"""Frame sizes: parsed from text, put in words, and compared with the joints.

In code a size is (height, width) in pixels. In text the width is first, as in every
other tool, and messages give a size in words, so that nobody has to guess the order.
"""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Bool, Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note

# Begins the kind of each note about a clip whose frame size seems exchanged; the rest is
# the size, so that notes about the same size are shown together.
EXCHANGED = 'exchanged_frame_size'

# Both are ours: a size is doubted if more than this share of the joints lie outside,
_MUCH_OUTSIDE = 0.05
# and its transpose fits far better if it leaves fewer than this share of them outside.
_FAR_FEWER = 0.2
# Annotators follow people a little beyond the frame (12 of 536 clips of JHMDB). If height
# and width are exchanged, this share of a clip's joints lies beyond this multiple of the frame.
_MANY_FAR = 0.1
_FAR = 1.1

_WIDTH_X_HEIGHT = re.compile(r'\s*(?P<width>\d+)\s*[xX×]\s*(?P<height>\d+)\s*')
_NAMED = re.compile(r'\s*(?P<side>height|width)\s*[:=]\s*(?P<number>\d+)\s*', re.I)


def parse_frame_size(text: str, name: str = 'frame_size') -> tuple[int, int]:
  """Parses '1280x720' or 'height:720,width:1280' to (height, width).

  Args:
    name: what the size is called in the error message.

  Raises:
    PoseDataError: if the text has another form.
  """
  if pair := _WIDTH_X_HEIGHT.fullmatch(text):
    sides = pair.groupdict()
  else:
    named = [_NAMED.fullmatch(part) for part in text.split(',')]
    sides = {match['side'].lower(): match['number'] for match in named if match}
    sides = sides if len(named) == len(sides) == 2 else {}
  size = int(sides.get('height', 0)), int(sides.get('width', 0))
  if min(size) < 1:
    raise PoseDataError(
      f'{name} is {text!r}, but must be WIDTHxHEIGHT in pixels, such as 1280x720, or'
      ' height:720,width:1280'
    )
  return size


def in_words(size: tuple[int, int]) -> str:
  """(720, 1280) as '1280 wide, 720 high'."""
  height, width = size
  return f'{width} wide, {height} high'


def as_text(size: tuple[int, int]) -> str:
  """(720, 1280) as '1280x720', which `parse_frame_size` reads."""
  height, width = size
  return f'{width}x{height}'


def exchanged(size: tuple[int, int]) -> tuple[int, int]:
  """The size with height and width exchanged."""
  return size[1], size[0]


def how_to_give(size: tuple[int, int] | None = None) -> str:
  """How each program and Python takes a frame size: this one, or any."""
  text = as_text(size) if size else 'WIDTHxHEIGHT'
  return (
    f'--frame_size={text} (train: --config.data.frame_size={text}; Python:'
    f' frame_size={size or "(height, width)"})'
  )


def how_to_exchange(size: tuple[int, int], given: tuple[int, int] | None) -> str:
  """What to do if a size's height and width are exchanged.

  Args:
    given: the size that the user gave; others are from the files.
  """
  if size == given:
    return f'give {how_to_give(exchanged(size))}'
  return 'exchange height and width in the files'


def are_outside(
  positions: Float[np.ndarray, '*n 2'], frame_size: tuple[int, int]
) -> Bool[np.ndarray, '*n']:
  """Whether positions (x, y) are outside the frame: beyond the outer pixels' edges."""
  size = np.array(frame_size[::-1], np.float32)
  beyond = (positions < -0.5) | (positions > size - 0.5)
  return beyond[..., 0] | beyond[..., 1]


def is_doubtful(outside: int, joints: int) -> bool:
  """Whether so many of the joints lie outside that the frame size may be wrong."""
  return outside > _MUCH_OUTSIDE * joints


def is_far_better(outside_transposed: int, outside: int) -> bool:
  """Whether far fewer joints lie outside if height and width are exchanged."""
  return outside_transposed < _FAR_FEWER * outside


def transposed_fits_better(
  keypoints: Float[np.ndarray, 't m j 2'],
  scores: Float[np.ndarray, 't m j'],
  frame_size: tuple[int, int],
) -> bool:
  """Whether the joints fit the frame far better if height and width are exchanged.

  Args:
    keypoints: (x, y) in pixels.
    scores: 0 for a missing joint.
    frame_size: (height, width) in pixels.
  """
  positions = keypoints[scores > 0]
  outside = int(are_outside(positions, frame_size).sum())
  size = np.array(frame_size[::-1], np.float32)
  far = int((positions > _FAR * size).any(axis=-1).sum())
  if not is_doubtful(outside, len(positions)) or far < _MANY_FAR * len(positions):
    return False
  transposed = int(are_outside(positions, exchanged(frame_size)).sum())
  return is_far_better(transposed, outside)


def size_notes(
  keypoints: Float[np.ndarray, 't m j 2'],
  scores: Float[np.ndarray, 't m j'],
  frame_size: tuple[int, int],
  given: tuple[int, int] | None,
) -> tuple[Note, ...]:
  """What is doubtful in a clip's frame size.

  Args:
    keypoints: (x, y) in pixels.
    scores: 0 for a missing joint.
    frame_size: (height, width) in pixels, as the clip was read.
    given: the size that the user gave, if any.
  """
  notes = []
  if given not in (None, frame_size):
    notes.append(
      Note(
        'given_frame_size',
        f'the files state frames {in_words(frame_size)}, so the given size,'
        f' {in_words(given)}, is not used',
      )
    )
  if transposed_fits_better(keypoints, scores, frame_size):
    notes.append(
      Note(
        f'{EXCHANGED}_{as_text(frame_size)}',
        f'many joints lie outside the frames, which are read as {in_words(frame_size)},'
        f' but nearly all inside frames {in_words(exchanged(frame_size))}; if height and'
        f' width are exchanged, {how_to_exchange(frame_size, given)}',
      )
    )
  return tuple(notes)
