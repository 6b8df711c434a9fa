"""Videos that were written are decoded: joints are where they belong, times are true."""

import dataclasses
import weakref

import numpy as np
import pytest
from fake_pose_network import FakePoseNetwork, frames_with_dots
from scipy import ndimage

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.notes import PoseWarning
from input_pipeline.skeletons.registry import Skeleton
from pose_action.extraction.extract import ExtractionOptions
from pose_action.plots.timelines import Bar, Lane
from pose_action.sources.opener import Reading, open_any
from pose_action.sources.video_poses import VideoPoses
from pose_action.video import footage_frames
from pose_action.video.annotated import TimedFrame, annotated_frames, canvas_for
from pose_action.video.encoding import write_mp4
from pose_action.video.scene import scene_of_clip

# Joints alone: the light edge of a limb would run into the white of a joint.
DOTS = Skeleton('dots', ('head', 'left_hand', 'right_hand'), limbs=())
ARM = Skeleton('arm', ('left_elbow', 'right_elbow', 'left_wrist', 'right_wrist'),
               limbs=(('left_elbow', 'left_wrist'), ('right_elbow', 'right_wrist')))  # fmt: skip
COUNT = 6
# Landscape and portrait, (height, width); odd sides are padded.
SIZES = ((240, 320), (320, 240), (121, 95))


def moving_clip(frame_size, *, count=COUNT, rate: float | None = 25.0, **more):
  """Three joints that move by whole pixels, well apart and inside the frame."""
  height, width = frame_size
  start = np.array([[0.2, 0.2], [0.6, 0.3], [0.3, 0.7]]) * [width, height]
  steps = np.arange(count)[:, None, None] * [[2, 1], [-1, 2], [1, -1]]
  xy = np.round(start) + steps
  clip = PoseClip.from_arrays(xy, frame_size=frame_size, skeleton=DOTS, frame_rate=rate)
  return dataclasses.replace(clip, **more)


def grey_frames(frame_size, count=COUNT):
  return np.full((count, *frame_size, 3), 90, np.uint8)


def discs(picture):
  """Centres (x, y) of what is white in a picture, from left to right."""
  white = picture.min(axis=-1) > 200
  places, count = ndimage.label(white)
  centres = ndimage.center_of_mass(white, places, range(1, count + 1))
  return np.array(sorted((x, y) for y, x in centres))


def check_joints(frames, clip):
  """Each decoded frame shows every joint of the clip, and nothing else that is white."""
  canvas = canvas_for(clip.frame_size, 0)
  scale = canvas.height / clip.frame_size[0]
  for picture, points in zip(frames, clip.keypoints[:, 0], strict=True):
    expected = (points + 0.5) * scale - 0.5
    found = discs(picture[: canvas.height, : canvas.width])
    np.testing.assert_allclose(found, expected[np.argsort(expected[:, 0])], atol=1)


@pytest.mark.parametrize('size', SIZES, ids=str)
@pytest.mark.parametrize('turned', [False, True], ids=['upright', 'turned'])
def test_joints_are_where_they_belong_on_a_video(
  write_timed_mp4, read_mp4, tmp_path, size, turned
):
  if size[0] % 2:
    pytest.skip('H.264 cannot store frames with odd sides')
  times = np.arange(COUNT) / 25
  video = write_timed_mp4(tmp_path / 'v.mp4', grey_frames(size), times, turned=turned)
  clip = moving_clip(size, footage=Footage(video))
  scene = scene_of_clip(clip, 'walk 93 %')
  write_mp4(tmp_path / 'x.mp4', annotated_frames([lambda: scene]))
  seconds, frames = read_mp4(tmp_path / 'x.mp4')
  np.testing.assert_allclose(seconds, times, atol=1e-5)
  check_joints(frames, clip)
  # The video is behind them, and the strip below is paper with a line of text.
  assert np.abs(frames[:, 5, 5].astype(int) - 90).max() < 8
  strip = frames[0, canvas_for(size, 0).height :]
  assert (strip.min(axis=-1) > 240).mean() > 0.8
  assert (strip.max(axis=-1) < 80).any()


@pytest.mark.parametrize('size', SIZES, ids=str)
def test_poses_without_a_video_are_on_a_plain_ground(av, read_mp4, tmp_path, size):
  clip = moving_clip(size, rate=30000 / 1001)
  scene = scene_of_clip(clip)
  write_mp4(tmp_path / 'x.mp4', annotated_frames([lambda: scene]))
  seconds, frames = read_mp4(tmp_path / 'x.mp4')
  np.testing.assert_allclose(seconds, np.arange(COUNT) * 1001 / 30000, atol=1e-9)
  assert frames.shape[1] % 2 == frames.shape[2] % 2 == 0
  # A disc's dark edge shows on light ground: it is a hole in the white around it.
  canvas = canvas_for(size, 0)
  scale = canvas.height / size[0]
  for picture, points in zip(frames, clip.keypoints[:, 0], strict=True):
    dark = picture[: canvas.height, : canvas.width].max(axis=-1) < 215
    filled = ndimage.binary_fill_holes(dark)
    places, count = ndimage.label(filled)
    assert count == 3
    centres = ndimage.center_of_mass(filled, places, [1, 2, 3])
    expected = sorted(((points + 0.5) * scale - 0.5).tolist())
    found = sorted([x, y] for y, x in centres)
    np.testing.assert_allclose(found, expected, atol=1)


def test_a_turned_video_from_its_frames_to_its_skeleton(
  write_timed_mp4, read_mp4, tmp_path
):
  """Through a pose network, which is given upright frames: nose where it is red."""
  upright = frames_with_dots(4, height=96, width=64)
  video = write_timed_mp4(tmp_path / 'v.mp4', upright, np.arange(4) / 10, turned=True)
  with VideoPoses(FakePoseNetwork, ExtractionOptions(), lambda line: None) as videos:
    clip = open_any(str(video), Reading(videos=videos)).source.load('v')
    scene = scene_of_clip(clip)
    write_mp4(tmp_path / 'x.mp4', annotated_frames([lambda: scene]))
  assert clip.frame_size == (96, 64)
  assert clip.footage == Footage(video)
  _, frames = read_mp4(tmp_path / 'x.mp4')
  scale = canvas_for((96, 64), 0).height / 96
  for index in (1, 2):  # The red cell is 8 pixels wide, from (8 t, 16) on.
    x, y = ((np.array([8 * index, 16]) + 4) * scale - 0.5).astype(int)
    assert frames[index, y - 1 : y + 3, x - 1 : x + 3].min(axis=-1).max() > 200
    around = frames[index, y - 14 : y + 15, x - 14]
    assert (around[:, 0] > 120).all() and (around[:, 1] < 110).all()  # Red.


def test_limbs_have_the_colour_of_their_side(av, read_mp4, tmp_path):
  xy = np.tile([[40.0, 60], [40, 120], [200, 60], [200, 120]], (2, 1, 1))
  clip = PoseClip.from_arrays(xy, frame_size=(360, 480), skeleton=ARM, frame_rate=5)
  scene = scene_of_clip(clip)
  write_mp4(tmp_path / 'x.mp4', annotated_frames([lambda: scene]))
  _, frames = read_mp4(tmp_path / 'x.mp4')
  np.testing.assert_allclose(frames[1, 60, 120], (0, 114, 178), atol=45)
  np.testing.assert_allclose(frames[1, 120, 120], (213, 94, 0), atol=45)


IRREGULAR = [0.0, 0.04, 0.08, 0.2, 0.5, 0.52, 0.6, 1.0, 1.04, 1.5]


def test_a_variable_frame_rate_is_kept(write_timed_mp4, read_mp4, tmp_path):
  frames = grey_frames((64, 96), 10)
  video = write_timed_mp4(tmp_path / 'v.mp4', frames, IRREGULAR)
  clip = moving_clip((64, 96), count=10, footage=Footage(video))
  scene = scene_of_clip(clip)
  write_mp4(tmp_path / 'x.mp4', annotated_frames([lambda: scene]))
  seconds, _ = read_mp4(tmp_path / 'x.mp4')
  np.testing.assert_allclose(seconds, IRREGULAR, atol=1e-5)


def test_every_second_frame_and_a_later_start(write_timed_mp4, read_mp4, tmp_path):
  video = write_timed_mp4(tmp_path / 'v.mp4', grey_frames((64, 96), 10), IRREGULAR)
  clip = moving_clip((64, 96), count=3, footage=Footage(video, start=1, stride=2))
  scene = scene_of_clip(clip)
  write_mp4(tmp_path / 'x.mp4', annotated_frames([lambda: scene]))
  seconds, _ = read_mp4(tmp_path / 'x.mp4')
  np.testing.assert_allclose(seconds, np.array([0.08, 0.5, 0.6]) - 0.08, atol=1e-5)


def test_a_long_video_in_several_clips_is_one_video_again(
  write_timed_mp4, read_mp4, tmp_path, monkeypatch
):
  opened = []
  reader = footage_frames.FrameReader
  monkeypatch.setattr(
    footage_frames, 'FrameReader', lambda *a, **k: opened.append(a) or reader(*a, **k)
  )
  video = write_timed_mp4(tmp_path / 'v.mp4', grey_frames((64, 96), 10), IRREGULAR)
  whole = moving_clip((64, 96), count=10)
  parts = [
    dataclasses.replace(
      whole,
      keypoints=whole.keypoints[start : start + 5],
      scores=whole.scores[start : start + 5],
      footage=Footage(video, start),
    )
    for start in (0, 5)
  ]
  makers = [lambda part=part: scene_of_clip(part) for part in parts]
  write_mp4(tmp_path / 'x.mp4', annotated_frames(makers))
  seconds, frames = read_mp4(tmp_path / 'x.mp4')
  np.testing.assert_allclose(seconds, IRREGULAR, atol=1e-5)
  check_joints(frames, whole)
  assert len(opened) == 1


def test_clips_of_other_sizes_and_rates_follow_one_another(av, read_mp4, tmp_path):
  wide, high = moving_clip((240, 320), rate=10), moving_clip((320, 240), rate=20)
  makers = [lambda: scene_of_clip(wide), lambda: scene_of_clip(high)]
  write_mp4(tmp_path / 'x.mp4', annotated_frames(makers))
  seconds, frames = read_mp4(tmp_path / 'x.mp4')
  expected = [*np.arange(6) / 10, *(0.6 + np.arange(6) / 20)]
  np.testing.assert_allclose(seconds, expected, atol=1e-5)
  # The first is twice as large; the second is fitted into it, in the middle.
  assert frames.shape[2] == 640
  assert frames[6, 100, 100].max() < 20 and frames[6, 100, 320].min() > 230


def test_footage_that_is_gone_or_short(write_timed_mp4, tmp_path):
  clip = moving_clip((64, 96), footage=Footage(tmp_path / 'gone.mp4'))
  with pytest.warns(
    PoseWarning, match=r'gone.mp4 does not exist; its frames are drawn'
  ):
    frames = list(annotated_frames([lambda: scene_of_clip(clip)]))
  assert len(frames) == COUNT and frames[3].picture[2, 2].min() == 247
  video = write_timed_mp4(
    tmp_path / 'v.mp4', grey_frames((64, 96), 4), np.arange(4) / 25
  )
  clip = moving_clip((64, 96), footage=Footage(video))
  with pytest.warns(PoseWarning, match='has 4 frames, but .* 6; its last 2 frames are'):
    frames = list(annotated_frames([lambda: scene_of_clip(clip)]))
  grounds = [int(frame.picture[2, 2].min()) for frame in frames]
  assert [ground > 200 for ground in grounds] == [False] * 4 + [True] * 2
  np.testing.assert_allclose([f.seconds for f in frames], np.arange(6) / 25, atol=1e-5)


def test_poses_of_another_video_are_noticed(write_timed_mp4, tmp_path):
  video = write_timed_mp4(tmp_path / 'v.mp4', grey_frames((64, 96)), np.arange(6) / 25)
  clip = moving_clip((240, 240), footage=Footage(video))
  with pytest.warns(PoseWarning, match='the video has 96x64 pixels, but .* 240x240'):
    list(annotated_frames([lambda: scene_of_clip(clip)]))


def test_frames_of_a_folder_have_the_clips_rate(write_frames, tmp_path):
  folder = write_frames(tmp_path / 'f', grey_frames((64, 96)))
  clip = moving_clip((64, 96), rate=8, footage=Footage(folder))
  frames = list(annotated_frames([lambda: scene_of_clip(clip)]))
  np.testing.assert_allclose([f.seconds for f in frames], np.arange(6) / 8)
  assert frames[0].picture[2, 2].tolist() == [90, 90, 90]


def test_a_timeline_moves_below_the_picture(av):
  clip = moving_clip((240, 320), count=10)
  lanes = [Lane('t0', (0, 10), (Bar('walk', 0, 4, 0.9), Bar('sit', 6, 10, 0.8)))]
  scene = scene_of_clip(clip, lanes=lanes, labels=['sit', 'walk'])
  frames = list(annotated_frames([lambda: scene], num_lanes=1))
  canvas = canvas_for((240, 320), 1)
  blue, orange = (0, 114, 178), (230, 159, 0)  # The first two colours, by name.
  strip = frames[5].picture[canvas.height :]
  row = int((strip == orange).all(axis=-1).sum(axis=1).argmax())  # Without letters.
  lane = [frame.picture[canvas.height + row] for frame in frames]
  heads = []
  for row in lane:
    assert (row == orange).all(axis=-1)[: canvas.width // 2].sum() > 100
    assert (row == blue).all(axis=-1)[canvas.width // 2 :].sum() > 100
    heads.append(np.flatnonzero((row == (26, 26, 26)).all(axis=-1)).mean())
  steps = np.diff(heads[1:])
  np.testing.assert_allclose(steps, steps.mean(), atol=1)
  assert steps.mean() > 50
  assert [scene.caption_at(frame) for frame in (0, 5, 9)] == [
    'walk 90%',
    'no action',
    'sit 80%',
  ]
  assert scene.names_at(9) == {'t0': 't0 sit 80%'}


def test_one_frame_is_in_memory_at_a_time(av, tmp_path):
  alive: weakref.WeakSet = weakref.WeakSet()
  most = 0

  class Picture(np.ndarray):
    """An array that can be counted."""

    __hash__ = object.__hash__

  def frames():
    nonlocal most
    for index in range(40):
      picture = np.full((64, 64, 3), index, np.uint8).view(Picture)
      alive.add(picture)
      most = max(most, len(alive))
      yield TimedFrame(index / 25, 1 / 25, picture)
      del picture

  write_mp4(tmp_path / 'x.mp4', frames())
  assert most <= 3


def test_a_failure_leaves_no_file(av, tmp_path):
  (tmp_path / 'x.mp4').write_text('before')

  def frames():
    yield TimedFrame(0.0, 0.04, np.zeros((64, 64, 3), np.uint8))
    raise RuntimeError('the network went away')

  with pytest.raises(RuntimeError, match='went away'):
    write_mp4(tmp_path / 'x.mp4', frames())
  assert [file.name for file in tmp_path.iterdir()] == ['x.mp4']
  assert (tmp_path / 'x.mp4').read_text() == 'before'
  with pytest.raises(ValueError, match=r'there is no frame to write to .*x\.mp4'):
    write_mp4(tmp_path / 'x.mp4', [])


def test_sizes():
  assert canvas_for((720, 1280), 0).size[1] == 1280
  assert canvas_for((240, 320), 0).height == 480  # Twice as large.
  assert canvas_for((241, 321), 0).width == 642
  assert canvas_for((5000, 10_000), 0).width == 4096
  assert canvas_for((1, 1000), 0).height >= 2  # Twice at least, and far below 360.
  assert canvas_for((720, 1280), 0, longer_side=400).width == 400
