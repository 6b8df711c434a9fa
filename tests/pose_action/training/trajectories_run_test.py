"""Runs of a registered model that reads trajectories, from training to a picture."""

import dataclasses
import os
import types

import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest
import tiny_run

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import PoseWarning
from input_pipeline.poses.sources import PotionClip
from input_pipeline.skeletons.registry import get_skeleton
from model_lib import ModelOutput
from pose_action.inference.clip_picture import clip_picture
from pose_action.inference.predictor import Predictor, PredictorError
from pose_action.runtime import sharding
from pose_action.training import experiment, loop, model_registry, periodic_evaluation
from pose_action.training.input_settings import example_input
from pose_action.training.program import build_program
from pose_action.training.progress import TrainingProgress


class MeanPose(nn.Module):
  """The mean over people and moments, weighed joint by joint, classified linearly."""

  num_classes: int
  dtype: jnp.dtype
  weighs_joints: bool = True
  encoding = 'trajectories'

  @nn.compact
  def __call__(self, trajectories, *, train):
    del train
    means = trajectories.mean(axis=(1, 2))  # [b, j, 3]
    weights = None
    if self.weighs_joints:
      weights = nn.sigmoid(nn.Dense(means.shape[1])(means[..., 2]))
      means = means * weights[..., None]
    logits = nn.Dense(self.num_classes)(means.reshape(len(means), -1))
    return ModelOutput(logits=logits, joint_weights=weights)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
  monkeypatch.setattr(model_registry, 'MODELS', dict(model_registry.MODELS))
  model_registry.register_model('mean_pose', MeanPose)


@pytest.fixture
def config(config):
  """Two epochs of three steps, 6 moments of videos of 8 frames."""
  config.data.encoding = 'trajectories'
  config.data.sampling = 'whole'
  config.data.num_frames = 6
  config.data.read_frames = 16
  config.model = ml_collections.ConfigDict({'name': 'mean_pose', 'dtype': 'float32'})
  config.eval.views = 1
  config.train.epochs = 2
  return config


def train(config, workdir, n=1):
  mesh = sharding.make_mesh(jax.devices()[:n])
  return experiment.train_and_evaluate(config, os.fspath(workdir), mesh=mesh)


def scores_in(workdir):
  saved = np.load(workdir / 'scores_test.npz')
  return dict(zip(map(str, saved['video_ids']), saved['scores'], strict=True))


def clip(video_id='test_501') -> PoseClip:
  return tiny_run.source().load(video_id)


def test_a_prediction_is_the_evaluations(config, tmp_path, no_tensorboard):
  train(config, tmp_path)
  predictor = Predictor.from_workdir(tmp_path, checkpoint='last')
  scores = scores_in(tmp_path)
  assert len(scores) == tiny_run.NUM_TEST
  assert np.stack(list(scores.values())).std(axis=0).min() > 1e-3
  clips = [clip(video_id) for video_id in scores]  # One or two people; joints missing.
  for prediction in predictor.predict(clips, batch_size=4):
    np.testing.assert_allclose(
      prediction.probabilities, scores[prediction.video_id], rtol=1e-5, atol=1e-6
    )
    assert prediction.joints == tiny_run.SKELETON.joints
    assert prediction.joint_weights.shape == (5,)
  names = {path.name for path in tmp_path.glob('*.png')}
  assert {'sample_trajectories.png', 'joint_weights.png'} <= names
  assert not {name for name in names if 'maps' in name}


@pytest.mark.long
def test_eight_devices_are_as_one(config, tmp_path, no_tensorboard):
  config.data.trajectories.resampling = 'cubic'
  config.data.trajectories.median_filter = True
  config.data.trajectories.normalization = 'frame'
  config.augment.views = 2
  train(config, tmp_path / 'one')
  train(config, tmp_path / 'eight', n=8)
  one, eight = scores_in(tmp_path / 'one'), scores_in(tmp_path / 'eight')
  for video_id, scores in one.items():
    np.testing.assert_allclose(scores, eight[video_id], atol=1e-5)


class Stopped(Exception):
  """Stops a run early."""


@pytest.mark.long  # experiment_test.py resumes, end_to_end_test.py is killed.
def test_resuming_is_exact(config, tmp_path, no_tensorboard, monkeypatch):
  config.augment.update({'rotation': 10.0, 'joint_noise': 0.01})
  config.augment.time.update({'crop': (0.5, 1.0), 'tempo': 1.5, 'mask_share': (0, 0.3)})
  config.augment.joint_masking.share = 0.2
  results = train(config, tmp_path / 'whole')

  class Stopping(TrainingProgress):
    left = 4

    def waiting_for_data(self, computing):
      self.left -= 1
      if self.left < 0:
        raise Stopped
      return super().waiting_for_data(computing)

  with monkeypatch.context() as patch:
    patch.setattr(loop, 'TrainingProgress', Stopping)
    with pytest.raises(Stopped):
      train(config, tmp_path / 'stopped')
  assert train(config, tmp_path / 'stopped') == results
  for video_id, scores in scores_in(tmp_path / 'whole').items():
    found = scores_in(tmp_path / 'stopped')[video_id]
    np.testing.assert_array_equal(scores, found)


def test_sampled_frames_are_the_moments(config, tmp_path, no_tensorboard):
  """Without read_frames, and with several views per video."""
  config.data.update({'sampling': 'segments', 'read_frames': 0})
  config.eval.views = 3
  config.train.epochs = 1
  train(config, tmp_path)
  scores = scores_in(tmp_path)
  predictor = Predictor.from_workdir(tmp_path, checkpoint='last')
  np.testing.assert_allclose(
    predictor(clip()).probabilities, scores['test_501'], rtol=1e-5, atol=1e-6
  )


def untrained(config, skeleton=tiny_run.SKELETON, **model) -> Predictor:
  config.model.update(model)
  module = model_registry.build_model(config.model, 3)
  example = example_input(config, skeleton)
  inputs = jnp.zeros(example.shape, example.dtype)
  return Predictor(
    config=config,
    class_names=tiny_run.CLASS_NAMES,
    skeleton=skeleton,
    model=module,
    variables=module.init(jax.random.key(0), inputs, train=False),
    step=0,
  )


def test_the_picture_shows_what_the_model_reads(
  config, tmp_path, one_device, monkeypatch
):
  data = tiny_run.open_run_data(config)
  program = build_program(config, data, one_device)
  drawn, written = [], {}

  def draw(*arguments):
    drawn[:] = arguments
    return np.zeros((2, 2, 3), np.uint8)

  monkeypatch.setattr(periodic_evaluation.plots, 'sample_trajectories_image', draw)
  host_batch = tiny_run.training_batch(data)
  run = types.SimpleNamespace(
    config=config,
    data=data,
    program=program,
    workdir=tmp_path,
    writer=types.SimpleNamespace(write_images=lambda step, i: written.update(i)),
  )
  state = program.initial_state(jnp.int32(0))
  batch = sharding.global_batch(host_batch, one_device)
  periodic_evaluation.write_pictures(run, state, 3, batch)

  trajectories, titles, limbs, sides = drawn
  assert trajectories.shape == (4, 2, 6, 5, 3)
  assert titles == [tiny_run.CLASS_NAMES[i] for i in host_batch['label'][:4]]
  assert (limbs, sides) == (((0, 1), (0, 2)), ('left', 'right'))
  assert set(written) == {'trajectories/sample_trajectories'}
  assert [path.name for path in tmp_path.iterdir()] == ['sample_trajectories.png']


def test_poses_of_another_skeleton_are_mapped(config):
  skeleton = get_skeleton('coco_17')
  joints = tuple(reversed(skeleton.joints))
  rng = np.random.default_rng(0)
  poses = PoseClip(
    'coco',
    rng.uniform(0, 60, (9, 2, 17, 2)).astype(np.float32),
    rng.uniform(0.1, 1, (9, 2, 17)).astype(np.float32),
    (48, 64),
    skeleton,
  )
  other = dataclasses.replace(
    poses,
    skeleton=dataclasses.replace(skeleton, name='reversed', joints=joints),
    keypoints=poses.keypoints[:, :, ::-1],
    scores=poses.scores[:, :, ::-1],
  )
  predictor = untrained(config, skeleton)
  with pytest.warns(PoseWarning, match="'reversed' are mapped to 'coco_17'"):
    mapped = predictor(other)
  np.testing.assert_array_equal(mapped.probabilities, predictor(poses).probabilities)


def test_ready_maps_are_refused(config):
  predictor = untrained(config)
  maps = np.zeros((5, 16, 16, 3), np.float32)
  ready = PotionClip('ready', maps, 8, tiny_run.SKELETON)
  with pytest.raises(PredictorError, match=r"'ready' is ready maps, .*clips of poses"):
    predictor(ready)
  with pytest.raises(PredictorError, match='reads trajectories of joints, not PoTion'):
    predictor.apply_potion(maps[None])


@pytest.mark.parametrize('weighs_joints', [True, False])
def test_activations_and_their_picture(config, weighs_joints):
  predictor = untrained(config, weighs_joints=weighs_joints)
  found = predictor.activations(clip())  # Of two people.
  assert found.trajectories.shape == (2, 6, 5, 3)
  assert found.maps == found.motion_maps == {}
  weights = predictor(clip()).joint_weights
  if weighs_joints:
    np.testing.assert_allclose(found.joint_weights, weights, rtol=1e-6)
  else:
    assert found.joint_weights is weights is None
  picture = clip_picture(predictor, clip())
  assert picture.dtype == np.uint8
  assert min(picture.shape[:2]) > 100


def test_a_background_is_not_read(config, tmp_path):
  tiny_run.export(tmp_path, background=True)
  config.data.data_dir = str(tmp_path)
  data = tiny_run.open_run_data(config)
  assert not data.skeleton.background
  assert data.example_input.shape == (1, 2, 6, 5, 3)


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('modalities', ('parts',), r"modalities is \('parts',\), but trajectories are of"),
    ('trajectories.resampling', 'none', "resampling is 'none'; it is one of"),
    ('crop', 'square', "there is no crop 'square'"),
  ],
)
def test_settings_that_cannot_be(config, field, value, message):
  config.update_from_flattened_dict({f'data.{field}': value})
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(config)


def test_a_spline_refuses_augmentation_of_time(config):
  config.data.trajectories.resampling = 'cubic'
  config.augment.time.crop = (0.5, 1.0)
  message = r"resampling is 'cubic', .*set it to 'linear', or config\.augment\.time"
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(config)


def test_stored_maps_have_no_positions(config, tmp_path):
  tiny_run.export(tmp_path, 'heatmaps')
  config.data.update({'data_dir': str(tmp_path), 'representation': 'heatmaps'})
  message = "representation is 'heatmaps', maps without .*; set it to 'keypoints'"
  with pytest.raises(ValueError, match=message):
    tiny_run.open_run_data(config)


def test_another_encoding_is_refused(config, tmp_path, no_tensorboard):
  config.data.encoding = 'frames'
  config.data.read_frames = 0
  with pytest.raises(ValueError, match=r"is 'frames', but this model reads 'traj"):
    train(config, tmp_path)
