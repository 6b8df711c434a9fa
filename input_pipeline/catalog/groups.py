"""Groups of clips that must not be divided between training and validation.

Clips cut from one source video look alike: a model that has seen one recognises another
by memory. Their group is known from the data set itself (a column `group` in videos.csv,
the video of each person or part), or from names that published data sets use:

- hmdb51: HMDB51 and JHMDB, `TITLE_CLASS_f_cm_np1_fr_med_0`: the source video TITLE, in
  all its classes. The official splits only keep a title's clips of one class together.
- ucf: UCF101, UCF50 and others, `v_CLASS_g08_c01`: the group g08 of the class.
- youtube: Kinetics, Mimetics, FineGYM, Diving48 and others, a YouTube id of 11
  characters, then `_` and times or numbers: `ID_000012_000022`.
- ntu: NTU RGB+D, `S001C001P003R001A005`: the subject P003 in all setups, because the
  data set numbers its subjects throughout. Its cross-view protocol is not that strict.
- ava: `VIDEO,SECOND,x1,y1,x2,y2`: the movie, because clips a second apart look alike.

Names in Penn Action (numbers) and Charades (random letters) do not say which clips belong
together; each of their clips is its own group.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

AUTO, NONE, COLUMN = 'auto', 'none', 'column'

_HMDB51_CODE = re.compile(
  r'(.+)_[fhlu]_(?:cm|nm)_np\d+_(?:ba|fr|le|ri)_(?:bad|goo|med)_\d+'
)
_HMDB51_CLASS = re.compile(
  r'_(brush_hair|cartwheel|catch|chew|clap|climb|climb_stairs|dive|draw_sword|dribble'
  r'|drink|eat|fall_floor|fencing|flic_flac|golf|handstand|hit|hug|jump|kick|kick_ball'
  r'|kiss|laugh|pick|pour|pullup|punch|push|pushup|ride_bike|ride_horse|run|shake_hands'
  r'|shoot_ball|shoot_bow|shoot_gun|sit|situp|smile|smoke|somersault|stand'
  r'|swing_baseball|sword|sword_exercise|talk|throw|turn|walk|wave)$'
)
_UCF = re.compile(r'(.+_g\d+)_c\d+')
_NTU = re.compile(r'S\d{3}C\d{3}(P\d{3})R\d{3}A\d{3}(?:_.*)?')
_YOUTUBE = re.compile(r'([A-Za-z0-9_-]{11})(?:_(?:E_)?\d+(?:_\w+)?)?')
_AVA = re.compile(r'(.+),\d+(?:,[-+.\de]+){4}')
_ENDING = re.compile(r'(\.(avi|mp4|mkv|mov|webm))?(#\d+)?$', re.IGNORECASE)
_PERSON = re.compile(r'(.+)#\d+')
# Random ids of 11 characters have a capital, a small letter and a digit in 84 % of cases;
# words hardly ever do. Fewer than this share, and names are not taken for ids (ours).
_LIKE_IDS = 0.6


@dataclasses.dataclass(frozen=True)
class ClipGroups:
  """The group of each clip in a list, and how it was found.

  Attributes:
    names: one group per clip; a clip without relatives has its own name.
    rule: 'none', 'column', a rule for names, or a regular expression.
    words: what a group is, for people: 'source video'.
    unknown: number of clips whose names do not fit the rule.
  """

  names: tuple[str, ...]
  rule: str
  words: str
  unknown: int = 0


def _hmdb51(name: str) -> str | None:
  match = _HMDB51_CODE.fullmatch(name)
  # The search finds the longest class, because it begins furthest left.
  return _HMDB51_CLASS.sub('', match[1], count=1) if match else None


def _first_group(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
  def group(name: str) -> str | None:
    match = pattern.fullmatch(name)
    return match[1] if match else None

  return group


# Each rule's function from a clip's name to its group, and what a group is. The names
# before 'youtube' are unmistakable, so that 'auto' takes each name by itself.
_RULES: dict[str, tuple[Callable[[str], str | None], str]] = {
  'hmdb51': (_hmdb51, 'source video'),
  'ucf': (_first_group(_UCF), 'source video'),
  'ntu': (_first_group(_NTU), 'subject'),
  'ava': (_first_group(_AVA), 'movie'),
  'youtube': (_first_group(_YOUTUBE), 'source video'),
}
_ALIASES = {'jhmdb': 'hmdb51'}
GROUP_RULES = (AUTO, NONE, COLUMN, *_ALIASES, *_RULES)


def group_clips(
  video_ids: Sequence[str],
  group_by: str = AUTO,
  stored: Sequence[str] | None = None,
) -> ClipGroups:
  """Finds the group of each clip.

  Args:
    video_ids: names of the clips.
    group_by: 'auto' uses stored groups and then names that it recognises; 'none' makes
      each clip a group of its own (people of one video stay together); 'column' uses
      stored groups; 'jhmdb', 'hmdb51', 'ucf', 'youtube', 'ntu' and 'ava' are rules for
      names; anything else is a regular expression whose one group is found in each
      name.
    stored: the group that the data set itself gives to each clip, if it does.

  Raises:
    ValueError: for an unknown rule, names that do not fit a regular expression, a rule
      that fits no name, or 'column' without stored groups.
  """
  rule = _ALIASES.get(group_by, group_by) or AUTO
  if rule == AUTO:
    return _recognised(video_ids, stored)
  if rule == NONE:
    return ClipGroups(_without_people(video_ids, stored), NONE, 'clip')
  if rule == COLUMN:
    if stored is None:
      raise ValueError(
        f'group_by is {group_by!r}, but the data set has no groups; add a column group'
        ' to videos.csv and export again, or give another rule'
      )
    return ClipGroups(tuple(stored), COLUMN, 'group')
  if rule not in _RULES:
    return _by_expression(video_ids, group_by)
  found = [_RULES[rule][0](_bare(name)) for name in video_ids]
  if not any(found):
    raise ValueError(
      f'group_by is {group_by!r}, but no clip has such a name; the first is'
      f' {next(iter(video_ids), None)!r}. Give another rule: {_allowed()}'
    )
  return _clip_groups(video_ids, found, rule)


def groups_by_name(
  splits: Mapping[str, Sequence[str]], group_by: str, stored: Mapping[str, str]
) -> dict[str, str]:
  """The group of each clip in any of the splits, by the clip's name.

  Args:
    splits: names of the clips in each split.
    group_by: see `group_clips`.
    stored: groups that the data set itself gives, by clip.

  Raises:
    ValueError: same as `group_clips`.
  """
  video_ids = list(dict.fromkeys(v for names in splits.values() for v in names))
  given = [stored.get(v, v) for v in video_ids] if stored else None
  return dict(
    zip(video_ids, group_clips(video_ids, group_by, given).names, strict=True)
  )


def _recognised(video_ids: Sequence[str], stored: Sequence[str] | None) -> ClipGroups:
  """Stored groups, or names, with what their own form says about the source."""
  names = list(video_ids if stored is None else stored)
  bare = [_bare(name) for name in names]
  found: list[str | None] = [None] * len(names)
  rules: Counter[str] = Counter()
  for index, name in enumerate(bare):
    for rule, (group, _) in _RULES.items():
      if rule != 'youtube' and (known := group(name)):
        found[index] = known
        rules[rule] += 1
        break
  if rules:
    return _clip_groups(names, found, rules.most_common(1)[0][0])
  ids = [_RULES['youtube'][0](name) for name in bare]
  if _look_like_ids(ids):
    return _clip_groups(names, ids, 'youtube')
  if stored is not None:
    return ClipGroups(tuple(names), COLUMN, 'group')
  return ClipGroups(tuple(names), NONE, 'clip')


def _look_like_ids(ids: Sequence[str | None]) -> bool:
  if not ids or not all(ids):
    return False
  distinct = set(ids)
  mixed = [
    text
    for text in distinct
    if text and all(re.search(kind, text) for kind in ('[a-z]', '[A-Z]', '[0-9]'))
  ]
  return len(mixed) >= _LIKE_IDS * len(distinct)


def _clip_groups(
  names: Sequence[str], found: Sequence[str | None], rule: str
) -> ClipGroups:
  """A name for which no group was found is a group of its own."""
  return ClipGroups(
    tuple(group or name for name, group in zip(names, found, strict=True)),
    rule,
    _RULES[rule][1],
    unknown=sum(group is None for group in found),
  )


def _without_people(
  video_ids: Sequence[str], stored: Sequence[str] | None
) -> tuple[str, ...]:
  """The names; clips `VIDEO#0`, `VIDEO#1`, ... of stored groups keep the video's."""
  if stored is None:
    return tuple(video_ids)
  people = [_PERSON.fullmatch(video_id) for video_id in video_ids]
  return tuple(
    person[1] if person else video_id
    for video_id, person in zip(video_ids, people, strict=True)
  )


def _by_expression(video_ids: Sequence[str], expression: str) -> ClipGroups:
  try:
    pattern = re.compile(expression)
  except re.error as error:
    raise ValueError(
      f'group_by is {expression!r}, which is neither a regular expression ({error}) nor'
      f' one of {_allowed()}'
    ) from error
  if pattern.groups != 1:
    raise ValueError(
      f'group_by is {expression!r}; give one of {_allowed()}, or a regular expression'
      f' with exactly one group in parentheses (this one has {pattern.groups})'
    )
  matches = [pattern.search(video_id) for video_id in video_ids]
  missed = [v for v, match in zip(video_ids, matches, strict=True) if not match]
  if missed:
    raise ValueError(
      f'group_by is {expression!r}, which is not found in {len(missed)} of'
      f' {len(video_ids)} clip names, such as {missed[0]!r}'
    )
  return ClipGroups(
    tuple(match[1] or '' for match in matches if match),
    expression,
    f'group of the expression {expression!r}',
  )


def _allowed() -> str:
  return ', '.join(GROUP_RULES)


def _bare(name: str) -> str:
  """A clip's name without folders, person's number, and ending of a video file."""
  return _ENDING.sub('', name.rpartition('/')[2])
