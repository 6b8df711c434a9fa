"""How a data set is divided for a run, and which settings its maps refuse."""

import shutil

import numpy as np
import pytest
import tiny_run

from input_pipeline.datasets.holdout import validation_mask
from input_pipeline.datasets.pose_dataset import open_dataset
from train_lib.evaluate import predict_split
from train_lib.program import build_program


@pytest.fixture(scope='module')
def both_dir(data_dir, tmp_path_factory):
  """The data set in both representations."""
  folder = tmp_path_factory.mktemp('both')
  shutil.copytree(data_dir, folder, dirs_exist_ok=True)
  tiny_run.export(folder, 'heatmaps')
  return folder


@pytest.fixture
def heatmaps(config, both_dir):
  config.data.data_dir = str(both_dir)
  config.data.representation = 'heatmaps'
  return config


def test_a_fold_is_held_out_by_the_rule(config, data):
  clips = open_dataset(config.data.data_dir, 'tiny', 'keypoints').clips('train')
  mask = validation_mask(clips.video_ids, clips.labels, fold=0, folds=5)
  np.testing.assert_array_equal(data.validation.indices, np.flatnonzero(mask))
  np.testing.assert_array_equal(data.train.indices, np.flatnonzero(~mask))
  assert (len(data.train.indices), len(data.validation.indices)) == (30, 7)
  for split in (data.train, data.validation):
    assert split.video_ids == tuple(clips.video_ids[i] for i in split.indices)
    np.testing.assert_array_equal(split.labels, clips.labels[split.indices])
    assert split.records[int(split.indices[-1])]['label'] == split.labels[-1]
  assert (data.train.name, data.validation.name) == ('train', 'validation')

  config.data.validation_fold = 1
  other = tiny_run.open_run_data(config).validation
  assert not set(other.video_ids) & set(data.validation.video_ids)


def test_nothing_held_out_and_no_test_split(config):
  config.data.validation_folds = 0
  config.data.test_split = ''
  data = tiny_run.open_run_data(config)
  assert len(data.train.indices) == tiny_run.NUM_TRAIN
  assert data.validation is None
  assert data.test is None


def test_the_test_split_is_whole(data):
  assert data.test.name == 'test'
  np.testing.assert_array_equal(data.test.indices, np.arange(tiny_run.NUM_TEST))
  assert data.class_names == tiny_run.CLASS_NAMES
  assert data.skeleton == tiny_run.SKELETON
  assert data.example_maps.shape == (1, 4, 16, 16, 5)


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('train_split', 'train9', r"train_split is 'train9', but 'tiny' has .*'test', 'tr"),
    ('train_split', '', r"train_split is '', but 'tiny' has the splits"),
    ('test_split', 'val', r"test_split is 'val', .*; set it to '' \(or the option tes"),
    ('validation_fold', 5, r'there is no fold 5; with folds=5 it is 0\.\.4'),
    ('sampling', 'all', r"there is no sampling rule 'all'"),
    ('crop', 'square', r"there is no crop 'square'"),
  ],
)
def test_settings_that_cannot_be(config, field, value, message):
  config.data[field] = value
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(config)


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    (
      'map_sigma',
      2.0,
      r'map_sigma is 2\.0, but the maps at .*heatmaps.* were rendered with 1\.0\. Exp'
      r'ort them anew \(tools/export_dataset\.py --overwrite --sigma=2\.0\)',
    ),
    ('map_short_side', 32, r'map_short_side is 32, but .* rendered with 16\.'),
    (
      'crop',
      'person',
      r"crop is 'person', but stored heatmaps show the whole frame; set"
      r" config\.data\.representation='keypoints'",
    ),
  ],
)
def test_stored_maps_must_be_those_asked_for(heatmaps, field, value, message):
  heatmaps.data[field] = value
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(heatmaps)


def test_a_model_cannot_tell_the_representations_apart(
  heatmaps, program, data, variables
):
  """Maps are stored in steps of 1/255."""
  stored = tiny_run.open_run_data(heatmaps)
  assert stored.example_maps == data.example_maps
  assert stored.validation.video_ids == data.validation.video_ids
  of_maps = build_program(heatmaps, stored, program.mesh)
  scores, of_keypoints = (
    predict_split(
      variables,
      each.test,
      each,
      built.evaluation_step,
      built.mesh,
      batch_size=16,
      num_views=2,
    )
    for each, built in ((stored, of_maps), (data, program))
  )
  np.testing.assert_allclose(scores, of_keypoints, atol=0.01)
  assert (scores != of_keypoints).any()  # They did come by another way.
  assert np.ptp(scores, axis=0).min() > 0.2  # Clips differ by far more.
