"""PoTion maps and lists of labels, through the exporter and back."""

import numpy as np
import pytest
from tiny_export import SKELETON, export_tiny, make_clip, open_tiny

from input_pipeline.catalog import open_source
from input_pipeline.errors import PoseDatasetError
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.poses.sources import PoseSource, PotionClip, PotionSource
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.storage.rendered_maps import potion_clip_maps


def test_potion_is_the_clips_aggregated_and_rounded_to_half_precision(tmp_path):
  export_tiny(tmp_path, representation='potion', channels=4, weights='integer_break')

  dataset = open_dataset(tmp_path, 'tiny', 'potion')
  assert dataset.settings == {
    'short_side': 8,
    'sigma': 1.0,
    'truncate': 3.0,
    'background': True,
    'channels': 4,
    'weights': 'integer_break',
  }
  record = dataset.records('train1')[0]
  assert record['num_frames'] == 7
  np.testing.assert_array_equal(record['frame_size'], [60, 80])
  assert 'maps' not in record
  potion = PotionSettings(4, 'integer_break')
  exact = potion_clip_maps(make_clip('v4'), short_side=8, sigma=1.0, potion=potion)
  assert exact.shape == (3, 8, 11, 4)
  np.testing.assert_array_equal(record['potion'], exact.astype(np.float16), strict=True)


@pytest.mark.parametrize('representation', ['keypoints', 'potion'])
def test_clips_with_any_number_of_labels(tmp_path, representation):
  labels = {'v4': (2, 0), 'v0': (), 'v7': (1,), 'v1': (1, 1), 'v2': (3,)}
  source = PoseSource(
    SKELETON,
    ('run', 'sit', 'wave'),
    {'train': tuple(labels)},
    lambda video_id: make_clip(video_id, labels[video_id]),
    multi_label=True,
  )

  export_tiny(tmp_path, source, representation)

  dataset = open_dataset(tmp_path, 'tiny', representation)
  assert dataset.multi_label
  expected = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], np.uint8)
  clips, records = dataset.clips('train'), dataset.records('train')
  np.testing.assert_array_equal(clips.labels, expected, strict=True)
  stored = np.stack([records[index]['labels'] for index in range(3)])
  np.testing.assert_array_equal(stored, expected, strict=True)
  assert 'label' not in records[0]
  assert [reason for _, _, reason in dataset.left_out] == [
    'has labels (1, 1), but each may appear only once',
    'has label 3, but the 3 classes are 0..2',
  ]


def make_potion_source():
  """A source with two videos of ready maps, the second of which is empty."""

  def load(video_id):
    maps = np.full((3, 4, 5, 2), 1 / 3 if video_id == 'good' else 0)
    maps[2] = 1  # The background.
    return PotionClip(video_id, maps, 30, SKELETON, (1,))

  settings = {
    'short_side': 4,
    'sigma': None,
    'truncate': None,
    'channels': 2,
    'weights': 'integer_break',
  }
  splits = {'train': ('good', 'empty')}
  return PotionSource(SKELETON, ('run', 'sit'), splits, load, settings)


def test_ready_potion_maps_are_stored_as_they_are(tmp_path):
  given = {'short_side': None, 'sigma': None}
  export_tiny(tmp_path, make_potion_source(), 'potion', **given)

  dataset = open_dataset(tmp_path, 'tiny', 'potion')
  assert dataset.settings == make_potion_source().settings | {'background': True}
  assert dataset.left_out == (('train', 'empty', 'no joint is visible in any frame'),)
  assert dataset.clips('train').num_frames == [30]
  record = dataset.records('train')[0]
  assert (record['num_frames'], record['label']) == (30, 1)
  np.testing.assert_array_equal(record['frame_size'], [4, 5])
  expected = np.full((3, 4, 5, 2), np.float16(1 / 3))
  expected[2] = 1
  np.testing.assert_array_equal(record['potion'], expected, strict=True)


def test_ready_potion_maps_are_opened_by_what_is_known_of_them(tmp_path, monkeypatch):
  source = make_potion_source()
  monkeypatch.setattr(open_source, 'load_source', lambda *args, **kwargs: source)
  asked = {'representation': 'potion', 'short_side': 4, 'channels': 2}
  open_tiny(tmp_path, **asked, weights='integer_break', sigma=7.0)
  with pytest.raises(
    PoseDatasetError, match=r"weights 'integer_break', not 'exact'; as"
  ):
    open_tiny(tmp_path, **asked, weights='exact')
