"""A config's augmentation: read, refused by name, and equal on any number of devices."""

import functools

import jax
import numpy as np
import pytest
import tiny_run

from configs.shared import base
from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.pose_aware import PoseAwareSettings
from input_pipeline.model_input import batch_input
from pose_action.runtime import sharding
from pose_action.training import experiment
from pose_action.training.input_settings import augment_settings, map_settings
from pose_action.training.past_configs import with_missing_fields

EVERYTHING = {
  'rotation': 15.0,
  'aspect': (0.9, 1.1),
  'shear': 0.1,
  'joint_noise': 0.01,
  'joint_masking': {'probability': 0.5, 'share': 0.2},
  'limbs': {'turn': 10.0, 'stretch': (0.9, 1.1)},
  'time': {'crop': (0.6, 0.9), 'tempo': 1.5, 'mask_share': (0.1, 0.3)},
  'pose_aware': {'rotation': 10.0, 'scale': (0.9, 1.1), 'shear': 0.1},
}


@pytest.fixture(scope='module')
def stored_dir(tmp_path_factory):
  """The data set in all forms, as heatmaps with parts."""
  folder = tmp_path_factory.mktemp('stored')
  tiny_run.export(folder)
  tiny_run.export(folder, 'heatmaps', modalities=('joints', 'parts'))
  tiny_run.export(folder, 'potion')
  return folder


def with_time(config):
  config.data.sampling = 'whole'
  config.data.read_frames = 8
  config.data.num_frames = 4
  config.eval.views = 1
  return config


def test_new_fields_are_off_and_leave_older_runs_as_they_were():
  config = base.base_config()
  settings = augment_settings(config)
  older = AugmentSettings(
    flip_probability=0.5,
    scale=(0.9, 1.1),
    shift=0.05,
    pose_aware=PoseAwareSettings(),
    views=1,
  )
  assert settings == older
  assert augment_settings(with_missing_fields({})) == older
  assert map_settings(config).num_frames is None
  # What is off is not drawn: flip, scale and shift are all there is.
  drawn = augment.draw(jax.random.key(0), settings, (16, 16), tiny_run.SKELETON)
  assert len(jax.tree.leaves(drawn)) == 3


def test_every_field_is_read(config):
  with_time(config).augment.update(EVERYTHING)
  settings = augment_settings(config)
  assert hash(settings)
  for name, value in EVERYTHING.items():
    given = getattr(settings, name)
    if not isinstance(value, dict):
      assert given == value
      continue
    for field, number in value.items():
      assert getattr(given, field) == number
  assert map_settings(config).num_frames == 4


@pytest.mark.parametrize(
  ('representation', 'fields', 'message'),
  [
    (
      'keypoints',
      {'time': {'tempo': 2.0}},
      r'augment\.time .*read_frames is 0; set it',
    ),
    (
      'potion',
      {'joint_noise': 0.01},
      r'augment\.joint_noise changes single frames, but',
    ),
    ('potion', {'limbs': {'turn': 5.0}}, r'augment\.limbs .* potion hold no positions'),
    ('heatmaps', {'limbs': {'turn': 5.0}}, r'augment\.limbs .* heatmaps hold no pos'),
    (
      'parts',
      {'joint_noise': 0.01},
      r'augment\.joint_noise .* stored parts cannot fol',
    ),
    (
      'parts',
      {'pose_aware': {'shear': 0.1}},
      r'augment\.pose_aware .* stored parts cannot follow',
    ),
  ],
)
def test_what_a_stored_form_does_not_allow_is_refused(
  config, jmrn_config, stored_dir, representation, fields, message
):
  if representation == 'potion':
    config = jmrn_config
  if representation == 'parts':
    config.data.modalities = ('joints', 'parts')
    representation = 'heatmaps'
  config.data.data_dir = str(stored_dir)
  config.data.representation = representation
  tiny_run.open_run_data(config)
  config.augment.update(fields)
  with pytest.raises(ValueError, match=rf'config\.{message}'):
    tiny_run.open_run_data(config)


def test_stored_potion_maps_have_no_time(jmrn_config, stored_dir):
  jmrn_config.data.data_dir = str(stored_dir)
  jmrn_config.data.representation = 'potion'
  jmrn_config.data.read_frames = 8
  jmrn_config.augment.time.crop = (0.5, 0.9)
  message = r'config\.augment\.time changes single frames, but stored PoTion maps are'
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(jmrn_config)


@pytest.mark.long
def test_a_batch_is_the_same_on_eight_devices(config):
  with_time(config).augment.update(EVERYTHING)
  data = tiny_run.open_run_data(config)
  batch = tiny_run.training_batch(data)
  assert batch['keypoints'].shape[1] == 8  # Read frames; the model gets T of them.
  draw = jax.jit(
    functools.partial(
      batch_input,
      skeleton=data.skeleton,
      settings=data.map_settings,
      augmentation=data.augment_settings,
    )
  )
  batch = {name: batch[name] for name in ('keypoints', 'frame_size', 'num_frames')}
  one = np.asarray(draw(batch, jax.random.key(0)))
  assert one.shape == (8, *data.example_input.shape[1:])
  rows = sharding.over_rows(sharding.make_mesh(jax.devices()[:8]))
  eight = draw(jax.device_put(batch, rows), jax.random.key(0))
  np.testing.assert_allclose(np.asarray(eight), one, atol=1e-5)
  assert np.ptp(one, axis=0).max() > 0.5


def test_a_run_with_every_augmentation(config, tmp_path):
  with_time(config).augment.update(EVERYTHING)
  config.train.epochs = 1
  mesh = sharding.make_mesh(jax.devices()[:1])
  experiment.train_and_evaluate(config, str(tmp_path), mesh=mesh)
  assert np.isfinite(np.load(tmp_path / 'scores_test.npz')['scores']).all()
