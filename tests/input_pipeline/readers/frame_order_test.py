"""Which video and frame a name stands for; all worked by hand."""

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.frame_order import (
  frames_by_number,
  number_of,
  one_video,
  split_notes,
  videos_of,
)


def numbers(*names: str) -> dict[str, list[int]]:
  """Frame numbers by video."""
  return {video: list(frames) for video, frames in videos_of(names, 'here').items()}


@pytest.mark.parametrize(
  ('names', 'expected'),
  [
    (['frame10.jpg', 'frame9.jpg'], [9, 10]),
    (['7.png', '0011.png'], [7, 11]),
    (['img (2).png', 'img (1).png'], [1, 2]),
    (
      ['cam07_000000000031_keypoints.json', 'cam07_000000000034_keypoints.json'],
      [31, 34],
    ),
    (['2039-11-05_hall_0004.jpg', '2039-11-05_hall_0006.jpg'], [4, 6]),
    (['shot_0004_640x480.jpg', 'shot_0012_640x480.jpg'], [4, 12]),  # Not the last one.
    (['run/000012.jpg', 'run/000013.jpg'], [12, 13]),
    ([r'run\000012.jpg', r'run\000013.jpg'], [12, 13]),
    (['-2', '-1', '0'], [-2, -1, 0]),
    (['140', '139'], [139, 140]),
    (['a_mp4-0003.jpg', 'a_mp4-0004.jpg'], [3, 4]),
    (['x_0003.jpg.json', 'x_0004.jpg.json'], [3, 4]),
    (['f_003_I.jpg', 'f_004_P.jpg', 'f_005_P.jpg'], [3, 4, 5]),
    (['frame_002_Xy9z.png', 'frame_003_a1q.png', 'frame_001_b.png'], [1, 2, 3]),
    (['one_17.png'], [17]),
    # The second number grows with the first.
    (['f_0001_33.jpg', 'f_0002_66.jpg', 'f_0003_100.jpg'], [1, 2, 3]),
    # A number that is no order at all: the other one counts.
    (['4821-w_0001.jpg', '1122-w_0002.jpg', '3939-w_0003.jpg'], [1, 2, 3]),
  ],
)
def test_names_of_one_video(names, expected):
  assert numbers(*names) == {'': expected}


@pytest.mark.parametrize(
  'names',
  [
    ['jog_mp4-0002_jpg.rf.9bf31c7ff062936a96d3c8bd1f8f2ff3.jpg',
     'jog_mp4-0001_jpg.rf.c74d97b01eae257e44aa9d5bade97baf.jpg'],
    ['jog_1.rf.aab3238922bcc25a6f606eb525ffdc56.jpg',
     'jog_2.rf.6512bd43d9caa6e02c990b0a82652dca.jpg'],
    ['b1d5781a-jog_0001.jpg', '7d04bbbe-jog_0002.jpg'],
    ['jog_0001_b1d5781a.jpg', 'jog_0002_7d04bbbe.jpg'],
    ['jog-1-6ba7b810-9dad-11d1-80b4-00c04fd430c8.jpg',
     'jog-2-6ba7b811-9dad-11d1-80b4-00c04fd430c8.jpg'],
  ],
)  # fmt: skip
def test_hashes_say_nothing(names):
  assert numbers(*names) == {'': [1, 2]}


def test_a_hash_that_looks_like_a_number_is_known_by_its_neighbours():
  names = [
    'b1d5781a-j_3.jpg',
    '7d04bbbe-j_4.jpg',
    '12345678-j_5.jpg',
    'c0ffee12-j_6.jpg',
  ]
  assert numbers(*names) == {'': [3, 4, 5, 6]}


def test_words_of_hexadecimal_letters_are_no_hashes():
  assert numbers('face0001.jpg', 'face0002.jpg') == {'': [1, 2]}
  assert numbers('c1f00001', 'c1f00002', 'c1f00003') == {'': [1, 2, 3]}


@pytest.mark.parametrize(
  ('names', 'expected'),
  [
    (['east_0.jpg', 'east_1.jpg', 'west_0.jpg', 'west_1.jpg'], ['east', 'west']),
    ([f'IMG_{v}_{n:012}_keypoints.json' for v in (8401, 8402) for n in (0, 1)],
     ['IMG_8401', 'IMG_8402']),
    (['a/1.jpg', 'b/1.jpg'], ['a', 'b']),
    (['a/x_1.jpg', 'a/x_2.jpg', 'a/y_1.jpg', 'a/y_2.jpg'], ['a/x', 'a/y']),
    ([f'v{v}_f{n:04}_t{33 * n}.jpg' for v in (1, 2) for n in (1, 2)], ['v1_f', 'v2_f']),
    ([f'sh{v}.{n}.exr' for v in (10, 20) for n in (1001, 1002, 1003)], ['sh10', 'sh20']),
    (['k_0.jpg', 'k_1.jpg', 'k-0.jpg', 'k-1.jpg'], ['k_', 'k-']),
    (['9d0b1a_1.jpg', '9d0b1a_2.jpg', '3ce77f_1.jpg', '3ce77f_2.jpg'],
     ['9d0b1a', '3ce77f']),
  ],
)  # fmt: skip
def test_names_of_several_videos(names, expected):
  found = videos_of(names, 'here')
  assert list(found) == expected
  assert [name for frames in found.values() for name in frames.values()] == names
  (first, second) = found.values()
  assert list(first) == list(second)


def test_minutes_that_are_not_whole_are_videos():
  names = [f'cut_{v:02}-{n:02}.jpg' for v in (7, 8) for n in range(3)]
  assert numbers(*names) == {'cut_07': [0, 1, 2], 'cut_08': [0, 1, 2]}


def test_a_video_of_one_frame_among_others():
  names = [f'lap_{v}_{n:04}.json' for v in (1, 2) for n in range(3)]
  assert numbers(*names, 'lap_3_0007.json') == {
    'lap_1': [0, 1, 2],
    'lap_2': [0, 1, 2],
    'lap_3': [7],
  }


@pytest.mark.parametrize(
  ('names', 'expected'),
  [
    # 40 ms apart, across a full second, a minute, midnight; two frames are missing.
    (['11_03_07.960', '11_03_08.000', '11_03_08.040', '11_03_08.160'], [0, 1, 2, 5]),
    (['v 10h59m59s.967.png', 'v 11h00m00s.000.png', 'v 11h00m00s.034.png'], [0, 1, 2]),
    (['20391105_235959_990', '20391106_000000_010', '20391106_000000_030'], [0, 1, 2]),
    (['20391105_110758.jpg', '20391105_110759.jpg', '20391105_110800.jpg'], [0, 1, 2]),
    (['f_0.90.jpg', 'f_1.00.jpg', 'f_1.10.jpg'], [0, 1, 2]),
    (['cut_07-58.jpg', 'cut_07-59.jpg', 'cut_08-00.jpg'], [0, 1, 2]),
    # Within one second.
    (['11_03_07.100', '11_03_07.133', '11_03_07.167', '11_03_07.200'], [0, 1, 2, 3]),
  ],
)
def test_times_in_regular_steps_count_frames(names, expected):
  assert numbers(*names) == {'': expected}


def test_a_date_and_a_time_may_name_videos():
  names = [f'VID_20391105_{t}_{n:06}.json' for t in (110758, 121500) for n in range(3)]
  assert numbers(*names) == {
    'VID_20391105_110758': [0, 1, 2],
    'VID_20391105_121500': [0, 1, 2],
  }


@pytest.mark.parametrize(
  ('names', 'message'),
  [
    (['frame_1.jpg', 'frame_01.jpg'], r"'frame_1\.jpg' and 'frame_01\.jpg' .*number 1"),
    (
      ['s_04.png', 's_05.png', 's_04_copy.png', 's_05_copy.png'],
      r"'s_04\.png' and 's_04_copy\.png' have the same frame number 4",
    ),
    (['s_04.png', 's_05.png', 's_04_copy2.png'], r"'s_04\.png' and 's_04_copy2\.png'"),
    (['cat3.jpg', 'dog8.jpg'], r"'cat3\.jpg' and 'dog8\.jpg' are frames of one video only"),
    (['11_03_07.960', '11_03_08.300', '11_03_08.340'], r"'11_03_07\.960' and '11_03_08"),
    (
      [f'frame_{n}_person_{p}' for n in (1, 2) for p in (1, 2)],
      r"'frame_1_person_1' and 'frame_1_person_2' have the same frame number 1",
    ),
    (['u_53_7', 'u_11_9', 'u_98_2'], r"'u_11_9' and 'u_98_2' .* order the frames diff"),
    (
      ['b1d5781a9dad11d1.jpg', '7d04bbbe80b400c0.jpg'],
      r"'b1d5781a9dad11d1\.jpg' has no number in its name",
    ),
    (
      [f'lap_{v}_000000000000_keypoints.json' for v in (1, 2)],
      r"'lap_1_0+_keypoints\.json' and 'lap_2_0+_keypoints\.json' are frames of one",
    ),
    (['a_1.jpg', 'cover.jpg'], r"here: 'cover\.jpg' has no number"),
    (
      ['a_1_jpg.rf.9bf31c7ff062936a96d3c8bd1f8f2ff3.jpg',
       'a_1_jpg.rf.c74d97b01eae257e44aa9d5bade97baf.jpg'],
      r'9bf31c.* and .*c74d97.* have the same frame number 1',
    ),
  ],
)  # fmt: skip
def test_names_that_leave_a_doubt_are_quoted(names, message):
  with pytest.raises(PoseDataError, match=message):
    videos_of(names, 'here')


def test_a_name_that_is_given_again_is_one_frame():
  assert numbers('3.jpg', '1.jpg', '3.jpg') == {'': [1, 3]}


def test_one_video_of_several():
  videos = videos_of(['n_1', 'n_2', 's_1', 's_2'], 'here')
  assert one_video(videos, 's', 'here') == {1: 's_1', 2: 's_2'}
  assert one_video(videos_of(['n_1'], 'here'), 'any', 'here') == {1: 'n_1'}
  with pytest.raises(
    PoseDataError, match=r"here has no video 'x'; .* 2 videos are n, s"
  ):
    one_video(videos, 'x', 'here')


def test_a_line_says_that_names_were_split():
  (note,) = split_notes(videos_of(['n_1', 'n_2', 's_1', 's_2'], 'here'), 'here')
  assert note.message == ("here holds the frames of 2 videos, split by name: 'n', 's'")
  assert split_notes(videos_of(['n_1', 'n_2'], 'here'), 'here') == ()


@pytest.mark.parametrize('value', [12, 12.0, '12', '0012', '12.0', ' 12 '])
def test_numbers_that_files_state(value):
  number = number_of(value, 'here')
  assert (number, type(number)) == (12, int)


def test_large_and_negative_numbers_are_exact():
  assert number_of(2**60 + 1, 'here') == 2**60 + 1
  assert number_of('-3', 'here') == -3
  assert number_of('900719925474099267', 'here') == 900719925474099267


@pytest.mark.parametrize(
  'value', [1.5, 'a', '', None, True, [1], float('nan'), float('inf'), 'inf']
)
def test_what_is_no_frame_number(value):
  with pytest.raises(PoseDataError, match=r'^line 3 is .*, but must be a frame number'):
    number_of(value, 'line 3')


def test_a_frame_that_comes_twice():
  assert frames_by_number([(4, 'line 2'), (1, 'line 3')], 'a.csv') == {
    1: 'line 3',
    4: 'line 2',
  }
  with pytest.raises(
    PoseDataError, match=r'a\.csv: line 2 and line 9 are both frame 4; keep one'
  ):
    frames_by_number([(4, 'line 2'), (1, 'line 3'), (4, 'line 9')], 'a.csv')
