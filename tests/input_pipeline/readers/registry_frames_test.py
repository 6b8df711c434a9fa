"""Frames and videos by name, in every format whose frames have names."""

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.sources import source_notes
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from tests.input_pipeline.readers.named_frames import FORMATS, Frames, write_openpose

OPTIONS = ReadOptions(frame_size=(320, 480))


@pytest.fixture(params=FORMATS)
def read(request, tmp_path):
  """Writes frames in a format, and opens them."""

  def read_frames(frames: Frames):
    path = FORMATS[request.param](tmp_path, frames)
    format = request.param.partition(',')[0]
    return read_poses(format, path, skeleton='openpose_18', options=OPTIONS)

  return read_frames


def positions(clip) -> list[float]:
  """x of the first person's first joint in each frame."""
  return clip.keypoints[:, 0, 0, 0].tolist()


def names(source) -> list[str]:
  return list(source.splits['all'])


def test_two_videos_in_one_place_are_two_clips(read):
  frames = {f'door_{v}_{n:04}': [30 + 100 * v + n] for v in (1, 2) for n in range(4)}
  source = read(frames)
  assert names(source) == ['door_1', 'door_2']
  assert positions(source.load('door_1')) == [130, 131, 132, 133]
  assert positions(source.load('door_2')) == [230, 231, 232, 233]
  (note,) = source_notes(source)
  assert note.kind == 'split_by_name'
  assert "the frames of 2 videos, split by name: 'door_1', 'door_2'" in note.message


def test_one_video_is_named_after_its_place(read, tmp_path):
  source = read({f'door_1_{n:04}': [30 + n] for n in range(4)})
  assert names(source) in ([tmp_path.name], ['found'])
  assert source_notes(source) == ()


def test_number_order_is_the_order_of_frames(read):
  (name,) = names(source := read({'x11': [51], 'x9': [49], 'x10': [50]}))
  assert positions(source.load(name)) == [49, 50, 51]


def test_times_count_frames(read):
  times = ('07h59m58s.980', '07h59m59s.980', '08h00m00s.980', '08h00m01s.980')
  (name,) = names(source := read({f'b {t}': [n + 9] for n, t in enumerate(times)}))
  assert positions(source.load(name)) == [9, 10, 11, 12]


def test_roboflow_hashes_are_no_numbers(read):
  frames = {
    'swim-0007_jpg.rf.45c48cce2e2d7fbdea1afc51c7c6ad26': [7],
    'swim-0008_jpg.rf.1679091c5a880faf6fb5e6087eb1b2dc': [8],
  }
  (name,) = names(source := read(frames))
  assert positions(source.load(name)) == [7, 8]


@pytest.mark.parametrize(
  ('frames', 'message'),
  [
    (('u_03', 'u_04', 'u_03_b', 'u_04_b'), r"'u_03\S*' and 'u_03\S*' have .* number 3"),
    (('r_1', 'r_01'), r"'r_0?1\S*' and 'r_0?1\S*' have the same frame number 1"),
    (('owl5', 'fox2'), r"'(fox2|owl5)\S*' and '(owl5|fox2)\S*' are frames of one"),
    (
      ('4h08m59s.912', '4h09m00s.310', '4h09m00s.398'),
      r"'4h08m59s\.912\S*' and '4h09m00s\.310\S*' state times",
    ),
  ],
)
def test_names_that_leave_a_doubt_are_quoted(read, frames, message):
  (name,) = names(source := read({frame: [30] for frame in frames}))
  with pytest.raises(PoseDataError, match=message):
    source.load(name)


def test_numbers_that_are_hardly_frame_numbers(read):
  frames = {f'{1_700_000_000_000 + n}': [30] for n in (3, 36, 70, 103, 136)}
  (name,) = names(source := read(frames))
  with pytest.raises(PoseDataError, match=r'only 5 of these 134 frames'):
    source.load(name)


@pytest.mark.parametrize('format', ['openpose', 'mmpose'])
def test_folders_with_frames_of_several_videos_are_classes(tmp_path, format):
  for label in ('dig', 'mow'):
    (tmp_path / label).mkdir()
    frames = {f'{label}{v}_{n:03}': [30 + n] for v in 'ab' for n in range(3)}
    FORMATS[format](tmp_path / label, frames)
  source = read_poses(format, tmp_path, skeleton='openpose_18', options=OPTIONS)
  assert names(source) == ['diga', 'digb', 'mowa', 'mowb']
  assert source.class_names == ('dig', 'mow')
  assert [source.load(name).labels for name in names(source)] == [
    (0,),
    (0,),
    (1,),
    (1,),
  ]

  (tmp_path / 'one').mkdir()
  FORMATS[format](tmp_path / 'one', {'f_0': [30], 'f_1': [31]})
  with pytest.raises(
    PoseDataError, match=r'a video \(one\) and a folder .*\(dig: diga'
  ):
    read_poses(format, tmp_path, skeleton='openpose_18', options=OPTIONS)


def test_a_video_of_several_can_be_listed(tmp_path):
  (tmp_path / 'flat').mkdir()
  frames = {f'p{v}_{n:03}': [30 + v] for v in (1, 2) for n in range(3)}
  write_openpose(tmp_path / 'flat', frames)
  table = 'id,path,part,label\np2,flat,,dig\nother,flat,p1,mow\nlost,flat,p3,mow\n'
  (tmp_path / 'videos.csv').write_text(table)
  source = read_poses('openpose', tmp_path, skeleton='openpose_18', options=OPTIONS)
  assert positions(source.load('p2')) == [32, 32, 32]
  assert positions(source.load('other')) == [31, 31, 31]
  with pytest.raises(PoseDataError, match=r"flat has no video 'p3'.* are p1, p2"):
    source.load('lost')
