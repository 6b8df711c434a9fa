"""OpenPose heatmaps: codes, scales, layouts, and their position in the frame."""

import cv2
import numpy as np
import pytest
from hostile_files import unfolding_png

from input_pipeline.errors import PoseDataError
from input_pipeline.maps.quantization import dequantize
from input_pipeline.poses.sources import source_notes
from input_pipeline.readers.formats.openpose_fields import field_channels
from input_pipeline.readers.formats.openpose_map_file import layouts, read_maps
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import SKELETONS, Skeleton, get_skeleton

BONE = Skeleton('bone', ('a', 'b', 'c'), (('a', 'b'), ('b', 'c')))
BONE_BACKGROUND = Skeleton('bone', BONE.joints, BONE.limbs, background=True)
SIZE = (32, 48)  # The network's input size, and so the maps' size.


def network_maps(size=SIZE) -> np.ndarray:
  """[3 joints, background, 4 field channels], with values close to 8-bit codes."""
  maps = np.zeros((8, *size), np.float32)
  for joint, (x, y) in enumerate(((10, 8), (20, 16), (30, 24))):
    maps[joint, y - 2 : y + 3, x - 2 : x + 3] = 0.4
    maps[joint, y, x] = 0.8
  maps[3] = 1 - maps[:3].max(axis=0)
  maps[4, 8:16, 10:20] = 0.6
  maps[7, 16:24, 20:30] = -0.8
  return maps


def write_png(file, maps: np.ndarray, num_fields: int = 4):
  """Encodes as OpenPose does: unsigned char, fields around 128.5, maps side by side."""
  fields = len(maps) - num_fields
  codes = np.concatenate([maps[:fields] * 255, maps[fields:] * 128.5 + 128.5])
  codes = np.clip(np.floor(codes + 0.5), 0, 255).astype(np.uint8)
  cv2.imwrite(str(file), np.concatenate(list(codes), axis=1))


def write_float(file, maps: np.ndarray, scale: int = 3, num_fields: int = 4):
  """Scales as --heatmaps_scale does: 0 to -1..1, 1 to 0..1, 2 to 0..255, 3 not at all."""
  fields = len(maps) - num_fields
  heights, parts = maps[:fields], maps[fields:]
  if scale == 0:
    heights = heights * 2 - 1
  elif scale == 1:
    parts = parts * 0.5 + 0.5
  elif scale == 2:
    heights = np.floor(heights * 255 + 0.5)
    parts = np.floor(parts * 128.5 + 128.5 + 0.5)
  values = np.concatenate([heights, parts]).astype('<f4')
  header = np.array([values.ndim, *values.shape], '<f4')
  file.write_bytes(header.tobytes() + values.tobytes())


@pytest.mark.parametrize('side', [12_000, 60_000])
def test_a_png_of_too_many_pixels_is_not_decoded(tmp_path, side, monkeypatch):
  unfolding_png(tmp_path / 'f.png', side)
  monkeypatch.setattr(cv2, 'imdecode', None)
  message = rf'f\.png is {side} pixels wide and {side} high, at most 134,217,728 pixels'
  with pytest.raises(PoseDataError, match=message):
    read_maps(tmp_path / 'f.png', BONE, SIZE)


def test_an_image_has_the_maps_side_by_side(tmp_path):
  write_png(tmp_path / 'f.png', network_maps())
  found = read_maps(tmp_path / 'f.png', BONE, SIZE)
  assert (found.layout.joints, found.layout.background, found.layout.num_parts) == (
    True,
    True,
    4,
  )
  expected = network_maps().transpose(1, 2, 0)
  np.testing.assert_allclose(found.maps, expected, atol=0.5 / 128)
  assert found.cell_size == 1


@pytest.mark.parametrize('scale', [0, 1, 2, 3])
def test_every_scale_of_float_maps(tmp_path, scale):
  write_float(tmp_path / 'f.float', network_maps(), scale)
  found = read_maps(tmp_path / 'f.float', BONE, SIZE)
  expected = network_maps().transpose(1, 2, 0)
  np.testing.assert_allclose(
    found.maps, expected, atol=0.5 / 128 if scale == 2 else 1e-6
  )


@pytest.mark.parametrize(
  ('channels', 'modalities', 'background'),
  [
    ([0, 1, 2], ('joints',), False),
    ([0, 1, 2, 4, 5, 6, 7], ('joints', 'parts'), False),
    ([0, 1, 2, 3, 4, 5, 6, 7], ('joints', 'parts'), True),
  ],
)
def test_the_number_of_maps_tells_what_they_are(
  tmp_path, channels, modalities, background
):
  num_fields = sum(channel > 3 for channel in channels)
  write_float(tmp_path / 'f.float', network_maps()[channels], num_fields=num_fields)
  found = read_maps(tmp_path / 'f.float', BONE_BACKGROUND, SIZE)
  assert found.layout.modalities == modalities
  assert found.layout.background is background
  joints = found.values('joints', BONE_BACKGROUND)
  # A missing background is 1 - max over joints.
  np.testing.assert_allclose(joints, network_maps()[:4].transpose(1, 2, 0), atol=1e-6)
  assert found.values('joints', BONE).shape[-1] == 3
  if 'parts' in modalities:
    parts = found.values('parts', BONE)
    np.testing.assert_allclose(parts, network_maps()[4:].transpose(1, 2, 0), atol=1e-6)
  else:
    with pytest.raises(PoseDataError, match='no maps of parts'):
      found.values('parts', BONE)


@pytest.mark.parametrize(
  ('name', 'counts', 'limb', 'channel', 'sign'),
  [
    # Channels from OpenPose's heatmap documentation: 14, 15 for Neck-RShoulder.
    ('body_25', [25, 26, 52, 77, 78], ('neck', 'right_shoulder'), 14, 1),
    ('body_25', [25, 26, 52, 77, 78], ('right_ankle', 'right_heel'), 50, 1),
    # Its COCO channels minus 19: 47 for Neck-Nose.
    ('openpose_18', [18, 19, 38, 56, 57], ('neck', 'nose'), 47 - 19, 1),
    ('openpose_mpi', [15, 16, 28, 43, 44], ('left_hip', 'left_knee'), 24, 1),
    # OpenPose's field points from the head to the neck.
    ('openpose_mpi', [15, 16, 28, 43, 44], ('neck', 'head_top'), 0, -1),
  ],
)
def test_fields_of_each_model(name, counts, limb, channel, sign):
  skeleton = get_skeleton(name)
  assert [layout.num_maps for layout in layouts(skeleton)] == counts
  channels = field_channels(skeleton)
  assert len(set(channels)) == skeleton.num_part_maps
  place = 2 * skeleton.limbs.index(limb)
  assert channels[place : place + 2] == ((channel, sign), (channel + 1, sign))


def test_fields_of_body_25b_are_not_read():
  counts = [layout.num_maps for layout in layouts(get_skeleton('body_25b'))]
  assert counts == [25, 26]


def test_a_field_that_points_the_other_way(tmp_path):
  skeleton = get_skeleton('openpose_mpi')
  maps = np.zeros((28, 16, 16), np.float32)
  maps[1] = -0.75  # y from head to neck; our limb points from the neck up.
  write_float(tmp_path / 'f.float', maps, num_fields=28)
  parts = read_maps(tmp_path / 'f.float', skeleton, (16, 16)).values('parts', skeleton)
  place = 2 * skeleton.limbs.index(('neck', 'head_top')) + 1
  assert (parts[..., place] == 0.75).all()
  assert not np.delete(parts, place, axis=-1).any()


def test_fields_alone(tmp_path):
  skeleton = get_skeleton('openpose_18')
  write_float(tmp_path / 'f.float', np.zeros((38, 16, 16)), num_fields=38)
  found = read_maps(tmp_path / 'f.float', skeleton, (16, 16))
  assert found.layout.modalities == ('parts',)


@pytest.mark.parametrize(
  ('joints', 'background', 'fields', 'map_width'),
  [
    (0, 0, 38, 656),  # OpenPose issue #86: 24928x368 for frames of 1920x1080.
    (18, 1, 38, 496),
    (18, 1, 38, 368),  # As wide as 19 maps of width 1104.
    (18, 0, 38, 368),
    (18, 1, 0, 496),
    (18, 0, 0, 304),  # As wide as 19 maps of width 288.
  ],
)
def test_images_of_any_resolution(tmp_path, joints, background, fields, map_width):
  nothing = [0] * joints + [1] * background + [0] * fields
  maps = np.zeros((len(nothing), 46, map_width)) + np.reshape(nothing, (-1, 1, 1))
  maps[:joints, 10:20, 10:50] = 0.7
  write_png(tmp_path / 'f.png', maps, fields)
  skeleton = get_skeleton('openpose_18_background')
  layout = read_maps(tmp_path / 'f.png', skeleton, (480, 640)).layout
  found = (layout.joints * 18, layout.background, layout.num_parts)
  assert found == (joints, background, fields)


@pytest.mark.parametrize('width', [19 * 16 + 1, 19 * 16])
def test_an_image_of_something_else_is_refused(tmp_path, width):
  image = np.full((16, width), 77, np.uint8)
  cv2.imwrite(str(tmp_path / 'f.png'), image)
  with pytest.raises(PoseDataError, match=rf'f\.png is {width} .*_format float'):
    read_maps(tmp_path / 'f.png', get_skeleton('openpose_18'), (480, 640))


@pytest.fixture
def video(tmp_path):
  """Two frames of 96x192 pixels in maps of 32x48: a quarter the size, padded below."""
  folder = tmp_path / 'video'
  folder.mkdir()
  for number in range(2):
    maps = network_maps()
    maps[:, 24:] = 0  # Outside the frame.
    maps[3, 24:] = 1
    write_float(folder / f'{number:012}_pose_heatmaps.float', maps[:, :, ::-1])
  return folder


def test_a_video_as_a_data_set_stores_it(video, monkeypatch):
  monkeypatch.setitem(SKELETONS, 'bone', BONE_BACKGROUND)
  options = ReadOptions(frame_size=(96, 192), short_side=24)
  source = read_poses('openpose_maps', video, skeleton='bone', options=options)
  assert source.modalities == ('joints', 'parts')
  assert source.settings['short_side'] == 24
  clip = source.load('video')
  assert (clip.num_frames, clip.frame_size, clip.labels) == (2, (96, 192), ())
  joints, parts = clip.maps('joints'), clip.maps('parts')
  assert joints.shape == (2, 24, 48, 4)
  assert parts.shape == (2, 24, 48, 4)
  # The frame fills the width, so its maps keep their position in the file.
  heights = dequantize(joints[1], 'joints')
  peaks = [np.unravel_index(heights[..., j].argmax(), (24, 48)) for j in range(2)]
  assert [(int(y), int(x)) for y, x in peaks] == [(8, 47 - 10), (16, 47 - 20)]
  np.testing.assert_allclose(heights[..., 0].max(), 0.8, atol=0.03)
  assert (joints[..., :3] == 0).mean() > 0.9
  assert joints[0, 0, 0, 3] == 255
  assert parts[0, 0, 0].tolist() == [128] * 4
  fields = dequantize(parts[0], 'parts')
  np.testing.assert_allclose(fields[12, 47 - 15, 0], 0.6, atol=0.02)
  np.testing.assert_allclose(fields[20, 47 - 25, 3], -0.8, atol=0.02)


def test_a_broken_video_fails_alone(tmp_path, video, monkeypatch):
  monkeypatch.setitem(SKELETONS, 'bone', BONE)
  (tmp_path / 'a').mkdir()
  (tmp_path / 'a' / '0.float').write_bytes(b'?' * 40)
  write_float(video / '2.float', network_maps()[:3], num_fields=0)
  options = ReadOptions(frame_size=(96, 192))
  source = read_poses('openpose_maps', tmp_path, skeleton='bone', options=options)
  assert source.splits == {'all': ('a', 'video')}
  assert source.modalities == ('joints', 'parts')
  with pytest.raises(PoseDataError, match=r"clip 'a': .*0\.float holds 10 numbers"):
    source.load('a')
  with pytest.raises(
    PoseDataError, match=r"clip 'video': .*2\.float has 3 maps, but 0.*\.float has 8"
  ):
    source.load('video').maps('joints')
  with pytest.raises(PoseDataError, match=r"clip 'x' is not in this source"):
    source.load('x')
  with pytest.raises(PoseDataError, match=r"no video can be read; the first: clip 'a'"):
    read_poses('openpose_maps', tmp_path, skeleton='bone')


@pytest.mark.parametrize(
  ('name', 'content', 'message'),
  [
    ('f.float', b'', r'f\.float holds 0 numbers'),
    ('f.float', np.array([3, 8, 2, 2], '<f4').tobytes(), r'holds 4 numbers'),
    ('f.float', np.array([4, 1, 1, 1, 1, 0], '<f4').tobytes(), r'holds 6 numbers'),
    ('f.png', b'', r'f\.png is not a readable image'),
    ('f.png', b'\x89PNG', r'f\.png is not a readable image'),
  ],
)
def test_files_that_are_refused(tmp_path, name, content, message):
  (tmp_path / name).write_bytes(content)
  with pytest.raises(PoseDataError, match=message):
    read_maps(tmp_path / name, BONE, SIZE)


def test_another_skeletons_maps_are_refused(tmp_path):
  write_float(tmp_path / 'f.float', np.zeros((26, 16, 16)))
  with pytest.raises(
    PoseDataError,
    match=r"has 26 maps, but skeleton 'bone' needs 3 \(joints\), 4 \(and background",
  ):
    read_maps(tmp_path / 'f.float', BONE, (16, 16))


def test_maps_of_two_videos_in_a_folder_are_two_clips(tmp_path, monkeypatch):
  monkeypatch.setitem(SKELETONS, BONE.name, BONE)
  for video, frames in (('gate_3', 2), ('gate_4', 3)):
    for number in range(frames):
      name = f'{video}_{number:012}_pose_heatmaps.float'
      write_float(tmp_path / name, network_maps())
  options = ReadOptions(frame_size=SIZE)
  source = read_poses('openpose_maps', tmp_path, skeleton=BONE.name, options=options)
  assert source.splits == {'all': ('gate_3', 'gate_4')}
  assert [source.load(name).num_frames for name in source.splits['all']] == [2, 3]
  (note,) = source_notes(source)
  assert "2 videos, split by name: 'gate_3', 'gate_4'" in note.message
