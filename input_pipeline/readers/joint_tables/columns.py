"""What a table's columns hold, by their names: joints, frames, people, labels."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence


def _each(*lines: str) -> tuple[str, ...]:
  """The words in some lines."""
  return tuple(' '.join(lines).split())


# Axes by the words that name them; of several scores the first counts.
_SCORES = _each(
  'visibility vis v visible visiblity score scores s confidence conf c likelihood',
  'probability prob p certainty presence pres',
)
_AXES = {'x': 'x', 'y': 'y', 'z': 'z', **dict.fromkeys(_SCORES, 'score')}
# Words beside an axis that say nothing about the joint.
_FILLERS = _each(
  'px pixel pixels pos position coord coords coordinate coordinates norm normalized',
  'normalised loc location img image',
)
_NORMALIZED = frozenset(('norm', 'normalized', 'normalised'))
# Words before a joint's number or name that say no more than that it is a joint.
_PREFIXES = _each(
  'l lm landmark landmarks k kp kps kpt kpts keypoint keypoints j joint joints p pt pts',
  'point points n node m marker body body_part bodypart pose pose_lm pose_landmark',
  'pose_landmarks pose_keypoint pose_keypoints skeleton',
)

# Names of other columns without `_`; of several in a table the first here counts.
_ROLES = {
  'frame': _each(
    'frame framenumber frameno framenr framenum frameid frameindex frameidx framen',
    'framecount frames framei fnum f',
  ),
  'image': _each(
    'image imagename imagefile imageid imagepath img imgname framename framefile',
    'framepath filename file filepath',
  ),
  'time': _each(
    'time timestamp datetime times timeus timens timestampus timestampns timems timestampms timestamps timesec timeseconds seconds sec',
    'milliseconds ms t',
  ),
  'person': _each(
    'personid person personname personindex personidx trackid trackingid track pid personno human',
    'humanid individual individuals instance instanceid poseid poseindex pose bodyid',
    'objectid playerid player animal animalid id',
  ),
  'label': _each(
    'label labels class classname classlabel action actionname actionlabel activity',
    'activityname activitylabel exercise exercisename category gesture movement target',
    'posename pose',
  ),
  'split': _each('split subset'),
  'height': _each(
    'height frameheight imageheight videoheight imgheight imgh frameh imageh'
  ),
  'width': _each('width framewidth imagewidth videowidth imgwidth imgw framew imagew'),
  'joint': _each(
    'landmark landmarkid landmarkindex landmarkidx landmarkname landmarkno',
    'landmarknumber joint jointid jointname jointindex jointidx keypoint keypointid',
    'keypointname keypointindex keypointidx kp kpid kpt bodypart bodypartname part',
    'partname point pointid pointname marker markername name node',
  ),
}
# All of these that a table has tell videos apart together.
_VIDEO = _each(
  'video videoid videoname videofile videofilename videopath vid clip clipid clipname',
  'sequence sequenceid sequencename seq seqid sample sampleid samplename trial trialid',
  'recording recordingid session sessionid subject subjectid participant participantid',
  'actor actorid performer performerid camera cameraid cam camid port view viewid take repetition source sourcefile',
)
_INDEX = ('', *_each('index row rowid'))


@dataclasses.dataclass(frozen=True)
class Columns:
  """Places of a table's columns by what they hold.

  Attributes:
    points: for each point, its columns by axis ('x', 'y' and perhaps 'score'); the
      point named '' is that of a table with one row per joint.
    roles: the other columns by their role, see `_ROLES`.
    videos: columns that tell videos apart.
    silent: columns that are left out by intention: depths, row numbers.
  """

  points: Mapping[str, Mapping[str, int]]
  roles: Mapping[str, int]
  videos: tuple[int, ...]
  silent: frozenset[int]

  def number_families(self) -> dict[str, dict[int, str]]:
    """Numbered points by the words before their numbers, then by number, ascending."""
    families: dict[str, dict[int, str]] = {}
    for point in self.points:
      if parsed := numbered(point):
        families.setdefault(parsed[0], {})[parsed[1]] = point
    return {prefix: dict(sorted(family.items())) for prefix, family in families.items()}

  @property
  def is_long(self) -> bool:
    """Whether each row holds one joint."""
    return '' in self.points and 'joint' in self.roles


def is_plain_prefix(prefix: str) -> bool:
  """Whether the words before a joint's number say nothing more about it."""
  return not prefix or prefix in _PREFIXES


def without_prefix(name: str) -> str:
  """A joint's name without first words such as `landmark` or `pose_landmark`."""
  words = name.split('_')
  for count in range(len(words) - 1, 0, -1):
    prefix = '_'.join(words[:count])
    if len(prefix) > 1 and prefix in _PREFIXES:  # 'l_hip' is a left hip.
      return '_'.join(words[count:])
  return name


def numbered(name: str) -> tuple[str, int] | None:
  """('landmark', 12) for 'landmark_12'; None if a joint's name ends with no number."""
  match = re.fullmatch(r'(?:(.*)_)?(\d+)', name)
  return (match[1] or '', int(match[2])) if match else None


def read_columns(names: Sequence[str]) -> Columns:
  """Finds what each column holds. Points without x or without y are left out."""
  squashed = [re.sub(r'[\W_]+', '', name).lower() for name in names]
  roles = {}
  for role, words in _ROLES.items():
    found = next((squashed.index(word) for word in words if word in squashed), None)
    if found is not None and found not in roles.values():
      roles[role] = found
  videos = tuple(i for i, name in enumerate(squashed) if name in _VIDEO)
  taken = {*roles.values(), *videos}
  silent = {
    i
    for i, name in enumerate(squashed)
    if name in _INDEX or re.fullmatch(r'unnamed\d+', name)
  }
  points: dict[str, dict[str, int]] = {}
  ranks: dict[tuple[str, str], int] = {}
  for i, name in enumerate(names):
    if i in taken or (parsed := _point_and_axis(name)) is None:
      continue
    point, word = parsed
    axis = _AXES[word]
    if axis == 'z':
      silent.add(i)
      continue
    rank = _SCORES.index(word) if axis == 'score' else _is_normalized(name)
    if rank < ranks.get((point, axis), len(_SCORES)):
      ranks[point, axis] = rank
      points.setdefault(point, {})[axis] = i
  whole = {p: axes for p, axes in points.items() if {'x', 'y'} <= axes.keys()}
  return Columns(whole, roles, videos, frozenset(silent))


def _is_normalized(column: str) -> int:
  """1 if a column says that it is normalized; beside pixels it is not read."""
  return int(not _NORMALIZED.isdisjoint(words_of(column)))


def _point_and_axis(column: str) -> tuple[str, str] | None:
  """('left_wrist', 'x') for 'LeftWrist.X', ('l_12', 'y') for 'L12y'; None if no axis."""
  words = [word for word in words_of(column) if word not in _FILLERS]
  if words and words[-1] in _AXES:
    axis = words.pop()
    while words and axis in _SCORES and len(words[-1]) > 1 and words[-1] in _SCORES:
      words.pop()  # 'nose_conf_score'
    return '_'.join(words), axis
  if words and words[0] in _AXES:
    return '_'.join(words[1:]), words[0]
  return None


def words_of(name: str) -> list[str]:
  """['left', 'wrist', 'x'] for 'LeftWrist.x', ['l', '12', 'y'] for 'L12y'."""
  text = re.sub(r'(?<=[a-z])(?=[A-Z])', '_', name)  # noseX
  text = re.sub(r'[\W_]+', '_', text).lower()
  text = re.sub(r'(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)', '_', text)  # 0x, kp12
  return [word for word in text.split('_') if word]
