"""The division of a data set for a run, and the settings that its maps refuse."""

import dataclasses
import shutil

import numpy as np
import pytest
import tiny_run

from input_pipeline.catalog.holdout import validation_mask
from input_pipeline.export.export import export_dataset
from input_pipeline.model_input import batch_input
from input_pipeline.storage.dataset import open_dataset
from pose_action.training.predict_split import predict_split
from pose_action.training.program import build_program


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
  assert (len(data.train.indices), len(data.validation.indices)) == (29, 8)
  assert str(data.holdout) == 'fold 0 of 5, by clip (rule 2): 8 of 37 clips'
  for split in (data.train, data.validation):
    assert split.video_ids == tuple(clips.video_ids[i] for i in split.indices)
    np.testing.assert_array_equal(split.labels, clips.labels[split.indices])
    assert split.records[int(split.indices[-1])]['label'] == split.labels[-1]
  assert (data.train.name, data.validation.name) == ('train', 'validation')

  config.data.validation_fold = 1
  other = tiny_run.open_run_data(config).validation
  assert not set(other.video_ids) & set(data.validation.video_ids)


def test_the_folds_of_earlier_releases(config):
  config.data.fold_rule = 1
  data = tiny_run.open_run_data(config)
  clips = open_dataset(config.data.data_dir, 'tiny', 'keypoints').clips('train')
  mask = validation_mask(clips.video_ids, clips.labels, fold=0, rule=1)
  np.testing.assert_array_equal(data.validation.indices, np.flatnonzero(mask))
  assert data.holdout.rule == 1


def test_stored_groups_are_held_out_together(config, tmp_path):
  source = tiny_run.source()
  groups = {v: f'day {i % 6}' for i, v in enumerate(source.splits['train'])}
  source = dataclasses.replace(source, groups=groups)
  options = {'dataset': 'tiny', 'representation': 'keypoints', 'data_dir': tmp_path}
  export_dataset(source, **options, progress=lambda line: None)
  config.data.data_dir = str(tmp_path)
  data = tiny_run.open_run_data(config)
  held_out = {groups[v] for v in data.validation.video_ids}
  assert not held_out & {groups[v] for v in data.train.video_ids}
  assert data.holdout.by == 'by group (rule 2)'
  config.data.group_by = 'none'
  assert tiny_run.open_run_data(config).holdout.by == 'by clip (rule 2)'
  config.data.group_by = 'hmdb51'
  with pytest.raises(ValueError, match="group_by is 'hmdb51', but no clip has such"):
    tiny_run.open_run_data(config)


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
    ('test_split', 'val', r"test_split is 'val', .*for no test split set it to '' \("),
    ('validation_fold', 5, r'there is no fold 5; with folds=5 it is 0\.\.4'),
    ('sampling', 'all', r"there is no sampling rule 'all'"),
    ('crop', 'square', r"there is no crop 'square'"),
    ('encoding', 'sum', r"data\.encoding is 'sum'; give 'frames' or 'potion'"),
    ('validate_on', 'val', r"data\.validate_on is 'val'; give 'held_out' or 'test'"),
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
      r'the maps at .*heatmaps.* were rendered with sigma 1\.0, but config\.data'
      r'\.map_sigma is 2\.0\. Export them again \(tools/export_dataset\.py --overwrite'
      r' --sigma=2\.0\)',
    ),
    (
      'map_short_side',
      32,
      r'with short_side 16, but config\.data\.map_short_side is 32',
    ),
    (
      'crop',
      'person',
      r"crop is 'person', but stored maps show the whole frame; set"
      r" config\.data\.representation='keypoints'",
    ),
  ],
)
def test_stored_maps_must_be_those_asked_for(heatmaps, field, value, message):
  heatmaps.data[field] = value
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(heatmaps)


def test_several_settings_differ_at_once(heatmaps):
  heatmaps.data.map_sigma = 2.0
  heatmaps.data.map_short_side = 32
  message = (
    r'again \(tools/export_dataset\.py --overwrite --short_side=32 --sigma=2\.0\)'
  )
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(heatmaps)


def test_validated_on_the_test_split(config):
  config.data.validate_on = 'test'
  data = tiny_run.open_run_data(config)
  assert data.validation.name == data.test.name == 'test'
  assert data.validation.video_ids == data.test.video_ids
  assert len(data.train.indices) == tiny_run.NUM_TRAIN  # No clip is held out.
  config.data.test_split = ''
  message = r"validate_on is 'test', but config\.data\.test_split is empty; set a"
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(config)


def test_potion_sums_up_the_frames(jmrn_data):
  assert jmrn_data.map_settings.potion.channels == 3
  assert jmrn_data.example_maps.shape == (1, 5, 16, 16, 3)
  assert jmrn_data.augment_settings.views == 2
  assert jmrn_data.augment_settings.pose_aware.group_shift == 2


def test_variants_of_potion_have_their_channels(jmrn_config):
  jmrn_config.data.potion.update({'channels': 4, 'variant': 'UIN'})
  data = tiny_run.open_run_data(jmrn_config)
  assert data.example_maps.shape == (
    1,
    5,
    16,
    16,
    9,
  )  # U has 4 channels, I has 1, N has 4.


@pytest.fixture(scope='module')
def potion_dir(tmp_path_factory):
  """PoTion maps for a skeleton with a background."""
  folder = tmp_path_factory.mktemp('potion')
  tiny_run.export(folder, 'potion', background=True)
  return folder


@pytest.fixture
def stored_potion(jmrn_config, potion_dir):
  jmrn_config.data.data_dir = str(potion_dir)
  jmrn_config.data.representation = 'potion'
  return jmrn_config


def test_the_background_is_dropped_where_it_is_not_wanted(stored_potion):
  without = tiny_run.open_run_data(stored_potion)
  assert (without.skeleton.background, without.skeleton.num_maps) == (False, 5)
  assert without.example_maps.shape == (1, 5, 16, 16, 3)
  # Outside a stored map the stored skeleton still decides.
  assert without.clip_settings.background
  batch = tiny_run.training_batch(without)
  assert batch['potion'].shape == (8, 6, 16, 16, 3)
  stored_potion.data.background = True
  whole = tiny_run.open_run_data(stored_potion)
  assert whole.example_maps.shape == (1, 6, 16, 16, 3)
  maps, kept = (
    batch_input(
      batch,
      None,
      skeleton=data.skeleton,
      settings=data.map_settings,
      augmentation=data.augment_settings,
    )
    for data in (without, whole)
  )
  assert (maps.shape, kept.shape) == ((8, 5, 16, 16, 3), (8, 6, 16, 16, 3))
  np.testing.assert_array_equal(maps, kept[:, :5])


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    (
      'potion.channels',
      4,
      r'with channels 3, but config\.data\.potion\.channels is 4\. .* --channels=4\)',
    ),
    (
      'potion.weights',
      'integer_break',
      r'weights exact, but .* --weights=integer_break',
    ),
    ('map_sigma', 2.0, r'with sigma 1\.0, but config\.data\.map_sigma is 2\.0'),
    (
      'encoding',
      'frames',
      r"encoding is 'frames', but .* holds PoTion maps; set it",
    ),
    ('crop', 'person', r"crop is 'person', but stored maps show the whole frame"),
  ],
)
def test_stored_potion_must_be_what_is_asked_for(stored_potion, field, value, message):
  stored_potion.data.update_from_flattened_dict({field: value})
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(stored_potion)


def test_what_potion_is_finished_by_is_free(stored_potion):
  stored_potion.data.potion.update({'normalization': 'max', 'variant': 'I'})
  assert tiny_run.open_run_data(stored_potion).example_maps.shape[-1] == 1


def test_balance_is_of_one_label_a_clip(config, several_labels_dir):
  config.data.balance = 'inverse_frequency'
  assert tiny_run.open_run_data(config)
  config.data.balance = 'classes'
  with pytest.raises(
    ValueError, match=r"balance is 'classes'; it is one of .*inverse_"
  ):
    tiny_run.open_run_data(config)
  config.data.balance = 'inverse_frequency'
  config.train.loss = 'binary_cross_entropy'
  config.data.data_dir = str(several_labels_dir)
  message = (
    r"clips with several labels .* set it to '', and config\.train\.class_weights"
  )
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(config)


def test_a_loss_fits_the_labels(config, several_labels_dir):
  config.train.loss = 'binary_cross_entropy'
  message = (
    r"loss is 'binary_cross_entropy', but clips of 'tiny' have one label; set it"
  )
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(config)
  config.data.data_dir = str(several_labels_dir)
  data = tiny_run.open_run_data(config)
  assert data.multi_label
  assert data.train.labels.shape == (len(data.train.indices), 3)
  assert set(data.train.labels.sum(axis=1)) == {1, 2}
  assert data.validation.labels.shape == (len(data.validation.indices), 3)
  config.train.loss = 'cross_entropy'
  message = r"'cross_entropy', but .* have several labels; set it to 'binary_cross_entr"
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(config)


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
    ).probabilities
    for each, built in ((stored, of_maps), (data, program))
  )
  np.testing.assert_allclose(scores, of_keypoints, atol=0.01)
  assert (scores != of_keypoints).any()  # The path was a different one.
  assert np.ptp(scores, axis=0).min() > 0.2  # Clips differ by far more.
