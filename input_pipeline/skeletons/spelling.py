"""The library's spelling of joint names that other tools and data sets write."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

from input_pipeline.skeletons.registry import BUILT_IN

_SIDES = {'left': 'left', 'l': 'left', 'right': 'right', 'r': 'right'}
_FILLERS = ('of', 'the')

# Spellings per joint. Case, separators and sides are already gone (`_split_side`).
_SPELLINGS = {
  'shoulder': ('sho', 'shldr'),
  'elbow': ('elb',),
  'wrist': ('wri',),
  'knee': ('kne',),
  'ankle': ('ank',),
  'nose': ('nose_tip', 'tip_nose'),
  'mouth': ('mouth_corner',),
  'eye_inner': ('inner_eye',),
  'eye_outer': ('outer_eye',),
  'index': ('index_finger', 'forefinger'),
  'pinky': ('pinky_finger', 'little_finger'),
  'hand_tip': ('tip_hand',),
  'big_toe': ('toe_big', 'great_toe', 'hallux'),
  'small_toe': ('toe_small', 'pinky_toe', 'little_toe'),
  'head_top': ('top_head', 'head_vertex'),
  'head_bottom': ('bottom_head',),
  'upper_neck': ('neck_upper',),
  'spine_mid': ('mid_spine', 'spine_middle', 'middle_spine'),
  'spine_base': ('base_spine',),
  'spine_shoulder': ('shoulder_spine', 'shoulder_center', 'shoulder_centre'),
  'mid_hip': ('hip_mid', 'middle_hip'),
  **{f'forefinger{i}': (f'index_finger{i}', f'index{i}') for i in range(1, 5)},
  **{f'middle_finger{i}': (f'middle{i}',) for i in range(1, 5)},
  **{f'ring_finger{i}': (f'ring{i}',) for i in range(1, 5)},
  **{
    f'pinky_finger{i}': (f'little_finger{i}', f'pinky{i}', f'little{i}')
    for i in range(1, 5)
  },
}
# Spellings of joints without a side: `left_hip` is no pelvis.
_MIDDLE_SPELLINGS = {
  'pelvis': ('root', 'hip', 'hips', 'hip_center', 'hip_centre', 'center_hip'),
}


@functools.lru_cache(maxsize=4096)
def plain(name: str) -> str:
  """Returns the library's spelling of a joint name.

  Case, separators, camelCase and the place of the side do not matter: `Left-ankle`,
  `LEFT_ANKLE`, `ankle.L` and `lAnkle` all give `left_ankle`. A known spelling gives the
  library's own name (`top_head` gives `head_top`, `root` gives `pelvis`); any other name
  keeps its words, in snake_case.

  Example:
    >>> from input_pipeline.skeletons.spelling import plain
    >>> plain('MOUTH_LEFT')
    'left_mouth'
  """
  side, words = _split_side(_words(name))
  compact = ''.join(words)
  part = _parts().get(compact) or '_'.join(words) or name
  if side:
    return f'{side}_{part}'
  return _spelled(_MIDDLE_SPELLINGS).get(compact, part)


def _words(name: str) -> list[str]:
  """Lower-case words; camelCase has a word per capital, and `RShoulder` has two."""
  spaced = re.sub(
    r'(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])', ' ', str(name).strip()
  )
  words = re.findall(r'[^\W_]+', spaced.lower())
  return [word for word in words if word not in _FILLERS] or words


def _split_side(words: list[str]) -> tuple[str, list[str]]:
  """('left', other words), from whichever word or letter gives the side; '' if none.

  A lone `l` or `r` counts only as the first or last word.
  """
  if ''.join(words) in _parts():
    return '', words
  places = [
    place
    for place, word in enumerate(words)
    if word in _SIDES and (len(word) > 1 or place in (0, len(words) - 1))
  ]
  if len(places) == 1 and len(words) > 1:
    place = places[0]
    return _SIDES[words[place]], words[:place] + words[place + 1 :]
  if not places and words:
    return _split_side_from_word(words)
  return '', words


def _split_side_from_word(words: list[str]) -> tuple[str, list[str]]:
  """The side of a name without separators, such as `lankle` or `mouthright`."""
  compact = ''.join(words)
  for mark, side in _SIDES.items():
    for part in (compact.removeprefix(mark), compact.removesuffix(mark)):
      if part != compact and part in _parts():
        return side, [part]
  for side in ('left', 'right'):  # A part that no built-in layout has, as in `leftpaw`.
    if len(words) == 1 and len(compact.removeprefix(side)) in range(2, len(compact)):
      return side, [compact.removeprefix(side)]
  return '', words


@functools.cache
def _parts() -> dict[str, str]:
  """Joint names without sides, by their spellings without separators.

  Layouts that a user registers do not change how names are spelled.
  """
  return {
    **{_compact(part): part for s in BUILT_IN for part in map(_without_side, s.joints)},
    **_spelled(_SPELLINGS),
  }


def _spelled(spellings: Mapping[str, Sequence[str]]) -> dict[str, str]:
  return {
    _compact(spelling): part
    for part, others in spellings.items()
    for spelling in (part, *others)
  }


def _compact(part: str) -> str:
  return part.replace('_', '')


def _without_side(joint: str) -> str:
  return joint.removeprefix('left_').removeprefix('right_')
