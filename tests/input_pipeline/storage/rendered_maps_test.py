import math

import numpy as np
import pytest

from input_pipeline.maps.potion import PotionSettings, aggregate_maps, colour_weights
from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage import rendered_maps
from input_pipeline.storage.rendered_maps import potion_clip_maps, render_clip

SKELETON = Skeleton('duo', ('head', 'neck'), (('head', 'neck'),), background=True)


def make_clip(frames, persons, frame_size=(120, 160), seed=0):
  rng = np.random.default_rng(seed)
  height, width = frame_size
  keypoints = rng.uniform((0, 0), (width, height), (frames, persons, 2, 2))
  scores = rng.uniform(0, 1, (frames, persons, 2))
  scores[rng.uniform(size=scores.shape) < 0.3] = 0
  return PoseClip('clip', keypoints, scores, frame_size, SKELETON, (0,))


def slow_maps(clip, map_size, sigma):
  """Renders cell by cell in float64; returns unrounded maps in 0..255."""
  height, width = map_size
  maps = np.zeros((clip.num_frames, height, width, 3))
  for t, m, j in np.ndindex(clip.scores.shape):
    x, y = clip.keypoints[t, m, j].astype(float)
    column = (x + 0.5) * width / clip.frame_size[1] - 0.5
    row = (y + 0.5) * height / clip.frame_size[0] - 0.5
    for h, w in np.ndindex(height, width):
      distance = math.hypot(h - row, w - column)
      if distance <= 3 * sigma:
        value = clip.scores[t, m, j] * math.exp(-(distance**2) / (2 * sigma**2))
        maps[t, h, w, j] = max(maps[t, h, w, j], value)
  maps[..., 2] = 1 - maps[..., :2].max(axis=-1)
  return 255 * maps


def test_maps_are_those_of_a_slow_oracle():
  clip = make_clip(frames=18, persons=3)  # Two chunks and four people, partly padding.

  maps = render_clip(clip, short_side=8, sigma=1.5)

  assert maps.dtype == np.uint8
  assert maps.shape == (18, 8, 11, 3)  # 160 · 8 / 120 = 10.67
  exact = slow_maps(clip, (8, 11), sigma=1.5)
  assert np.abs(maps - exact).max() < 0.51  # Half a grey level, and float32's error.


def test_a_joint_at_a_cells_centre_peaks_at_its_score():
  # 4 pixels per cell: cell (2, 1) is centred at pixel y = 2·4 + 1.5, x = 1·4 + 1.5.
  keypoints = np.array([[[[5.5, 9.5], [0, 0]]]])
  scores = np.array([[[0.5, 0]]])
  clip = PoseClip('clip', keypoints, scores, (32, 32), SKELETON, (0,))

  maps = render_clip(clip, short_side=8, sigma=1.0)

  assert maps[0, 2, 1, 0] == 128  # 255 · 0.5 = 127.5, which rounds to even
  assert maps[0, 2, 2, 0] == 77  # 127.5 · exp(-1/2) = 77.33
  assert maps[0, 2, 4, 0] == 1  # 127.5 · exp(-9/2) = 1.42, the last within 3σ
  assert maps[0, 2, 5, 0] == 0
  assert not maps[0, :, :, 1].any()  # The missing joint.
  assert maps[0, 7, 7, 2] == 255  # The background.


@pytest.mark.parametrize(
  ('frames', 'weights'), [(37, 'exact'), (16, 'exact'), (21, 'integer_break')]
)
def test_potion_maps_are_the_rendered_maps_added_up(frames, weights):
  clip = make_clip(frames, persons=3)
  settings = PotionSettings(channels=3, weights=weights)

  potion = potion_clip_maps(clip, short_side=8, sigma=1.5, potion=settings)

  assert potion.shape == (3, 8, 11, 3)
  assert potion.dtype == np.float32
  maps = render_clip(clip, short_side=8, sigma=1.5).astype(np.float32) / 255
  expected = aggregate_maps(maps, colour_weights(frames, frames, settings))
  np.testing.assert_allclose(potion, expected, atol=0.51 / 255)


def test_potion_maps_are_not_rounded_to_grey_levels():
  clip = make_clip(frames=18, persons=3)
  potion = potion_clip_maps(clip, short_side=8, sigma=1.5, potion=PotionSettings())
  maps = slow_maps(clip, (8, 11), sigma=1.5) / 255
  time = np.arange(18) / 17
  for channel, centre in enumerate([0, 0.5, 1]):
    weights = np.maximum(0, 1 - 2 * np.abs(time - centre))
    expected = np.einsum('thwj,t->jhw', maps, weights) / weights.sum()
    np.testing.assert_allclose(potion[..., channel], expected, atol=1e-5)


def test_a_channel_of_no_weight_is_empty():
  clip = make_clip(frames=1, persons=1)
  potion = potion_clip_maps(clip, short_side=8, sigma=1.5, potion=PotionSettings())
  assert potion[..., 0].any()
  assert (potion[..., 1:] == 0).all()


def test_clips_of_like_length_share_one_potion_program():
  rendered_maps._weighted_sum.clear_cache()
  for frames, persons, frame_size in [(1, 3, (240, 320)), (40, 4, (270, 320))]:
    clip = make_clip(frames, persons, frame_size)
    potion_clip_maps(clip, short_side=12, sigma=1.0, potion=PotionSettings())
  assert rendered_maps._weighted_sum._cache_size() == 1


def test_clips_of_like_size_share_one_program():
  rendered_maps._render_chunk.clear_cache()
  for frames, persons, frame_size in [
    (1, 3, (240, 320)),
    (17, 4, (240, 320)),
    (40, 3, (270, 320)),
  ]:
    render_clip(make_clip(frames, persons, frame_size), short_side=12, sigma=1.0)
  assert rendered_maps._render_chunk._cache_size() == 1
