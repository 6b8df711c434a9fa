"""Clips that come back from a data set on disk are those that went in."""

import numpy as np
import pytest
import tiny_export
import tiny_run

from input_pipeline.errors import PoseDataError
from input_pipeline.export.export import export_dataset
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.storage.rendered_maps import render_clip
from input_pipeline.storage.stored_source import stored_source


def test_poses_come_back_as_they_were(tmp_path):
  source = tiny_export.make_source()
  tiny_export.export_tiny(tmp_path, source)
  stored = stored_source(open_dataset(tmp_path, 'tiny', 'keypoints'))
  assert stored.splits == source.splits
  assert stored.class_names == source.class_names
  assert stored.skeleton == source.skeleton
  for video_id in ('v4', 'v0', 'v7', 'v2'):
    there, back = source.load(video_id), stored.load(video_id)
    np.testing.assert_array_equal(back.keypoints, there.keypoints)
    np.testing.assert_array_equal(back.scores, there.scores)
    assert (back.frame_size, back.labels) == (there.frame_size, there.labels)
  with pytest.raises(PoseDataError, match=r"'v9'.*is not in this data set"):
    stored.load('v9')


def test_chosen_clips_of_one_split(tmp_path):
  tiny_export.export_tiny(tmp_path)
  dataset = open_dataset(tmp_path, 'tiny', 'keypoints')
  assert stored_source(dataset, {'train1': ['v7']}).splits == {'train1': ('v7',)}


def test_maps_come_back_as_they_were(tmp_path):
  source = tiny_export.make_source()
  tiny_export.export_tiny(tmp_path, source, 'heatmaps')
  stored = stored_source(open_dataset(tmp_path, 'tiny', 'heatmaps'))
  clip = stored.load('v4')
  np.testing.assert_array_equal(
    clip.maps('joints'), render_clip(source.load('v4'), short_side=8, sigma=1.0)
  )
  assert (clip.num_frames, clip.frame_size, clip.labels) == (7, (60, 80), (1,))
  assert stored.settings['short_side'] == 8


def test_potion_maps_and_several_labels(tmp_path):
  source = tiny_run.source(multi_label=True)
  export_dataset(
    source,
    dataset='tiny',
    representation='potion',
    data_dir=tmp_path,
    short_side=8,
    sigma=1.0,
    progress=lambda line: None,
  )
  stored = stored_source(open_dataset(tmp_path, 'tiny', 'potion'))
  clip = stored.load('test_501')
  assert stored.multi_label
  assert clip.labels == (0, 1)  # 501 is of class 0, and an odd one of the next too.
  assert (clip.maps.shape[0], clip.num_frames) == (5, 8)
