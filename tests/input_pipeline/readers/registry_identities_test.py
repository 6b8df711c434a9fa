"""Identities as trackers write them, in every format that has any."""

import pytest

from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from tests.input_pipeline.readers.named_frames import FORMATS, Frames


@pytest.fixture(params=FORMATS)
def load(request, tmp_path):
  """Writes frames in a format, and loads the only clip."""

  def load_frames(frames: Frames, max_people: int = 5):
    path = FORMATS[request.param](tmp_path, frames)
    options = ReadOptions(frame_size=(320, 480), max_people=max_people)
    format = request.param.partition(',')[0]
    source = read_poses(format, path, skeleton='openpose_18', options=options)
    return source.load(source.splits['all'][0])

  return load_frames


def paths(clip) -> list[list[float]]:
  """x of the first joint in each frame, for each index, from left to right."""
  return sorted(clip.keypoints[:, :, 0, 0].T.tolist())


@pytest.mark.parametrize('shared', [0, [0.0], '5', [3, 8], 'guest'])
def test_an_identity_that_people_share_is_none(load, shared):
  clip = load(
    {
      f'{n}': [(30 + 2 * n, shared), (250 - 2 * n, shared)][:: (-1) ** n]
      for n in range(4)
    }
  )
  assert paths(clip) == [[30, 32, 34, 36], [250, 248, 246, 244]]
  (note,) = clip.notes
  assert note.kind == 'shared_identity'
  named = 'the same identity' if shared == 'guest' else 'the identity'
  assert f'several people in frame 0 have {named}' in note.message


def test_only_the_shared_identity_is_none(load):
  # 4 jumps, but its identity is real; 6 belongs to two people.
  clip = load(
    {
      '0': [(30, 4), (150, 6), (270, 6)],
      '1': [(90, 4), (154, 6), (274, 6)],
    }
  )
  assert paths(clip) == [[30, 90], [150, 154], [270, 274]]
  (note,) = clip.notes
  assert note.message.startswith('several people in frame 0 have the identity 6;')


@pytest.mark.parametrize('real', [7, 7.0, [7], [7.0], '7', '7.0', 'player_7', ['a']])
def test_an_identity_wins_over_the_box(load, real):
  clip = load({'0': [(30, real), (120, 2)], '1': [(30, 2), (120, real)]})
  assert paths(clip) == [[30, 120], [120, 30]]
  assert clip.notes == ()


@pytest.mark.parametrize(
  'none', [None, [], [[]], -1, [-1], -1.0, '', 'None', 2.5, float('nan'), float('inf'), True]
)  # fmt: skip
def test_what_is_no_identity(load, none):
  clip = load({'0': [(30, none), (120, none)], '1': [(122, none), (32, none)]})
  assert paths(clip) == [[30, 32], [120, 122]]
  assert clip.notes == ()


@pytest.mark.parametrize('ids', [(1, 2, 3, 4), ('6a0f', '6a10', '6a11', '6a12')])
def test_identities_that_never_come_again_are_of_detections(load, ids):
  clip = load({'0': [(30, ids[0]), (120, ids[1])], '1': [(122, ids[2]), (32, ids[3])]})
  assert paths(clip) == [[30, 32], [120, 122]]
  (note,) = clip.notes
  assert note.kind == 'identities_of_detections'


def test_how_many_people_are_dropped(load):
  frames = {'0': [30, 80, 130], '1': [30, 80, 130, 180, 230], '2': [30]}
  (note,) = load(frames, max_people=3).notes
  assert note.kind == 'people_dropped'
  assert note.message.startswith(
    'up to 5 people in a frame, but the 3 with the largest'
  )
  assert 'and 2 dropped' in note.message
  assert load(frames, max_people=5).notes == ()
