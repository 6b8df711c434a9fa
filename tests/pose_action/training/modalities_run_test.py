"""Runs on parts, differences and several modalities, from keypoints and stored maps."""

import jax
import numpy as np
import pytest
import tiny_run

from pose_action.inference.predictor import Predictor
from pose_action.runtime import sharding
from pose_action.training import experiment

SEVERAL = ('joints', 'joints_diff', 'parts')


@pytest.fixture(scope='module')
def with_parts(tmp_path_factory):
  """The data set as keypoints and as heatmaps with parts."""
  folder = tmp_path_factory.mktemp('with_parts')
  tiny_run.export(folder)
  tiny_run.export(folder, 'heatmaps', modalities=('joints', 'parts'))
  return folder


def run(config, with_parts, workdir, modalities, *, representation='keypoints', n=1):
  config.data.data_dir = str(with_parts)
  config.data.representation = representation
  config.data.modalities = modalities
  config.train.epochs = 1
  mesh = sharding.make_mesh(jax.devices()[:n])
  experiment.train_and_evaluate(config, str(workdir), mesh=mesh)
  return np.load(workdir / 'scores_test.npz')['scores']


def test_a_predictor_says_what_the_evaluation_said(config, with_parts, tmp_path):
  scores = run(config, with_parts, tmp_path, SEVERAL)
  predictor = Predictor.from_workdir(tmp_path, checkpoint='last')
  clips = tiny_run.source()
  for row, video_id in enumerate(clips.splits['test'][:3]):
    prediction = predictor(clips.load(video_id))
    np.testing.assert_allclose(prediction.probabilities, scores[row], atol=1e-5)
  names = {path.name for path in tmp_path.glob('*.png')}
  assert {f'sample_maps_{name}.png' for name in SEVERAL} <= names
  assert {f'motion_maps_{name}.png' for name in SEVERAL} <= names


@pytest.mark.long  # sharding_test.py and trajectories_run_test.py have one step, and a run.
def test_eight_devices_are_as_one(config, with_parts, tmp_path):
  one = run(config, with_parts, tmp_path / 'one', SEVERAL)
  eight = run(config, with_parts, tmp_path / 'eight', SEVERAL, n=8)
  np.testing.assert_allclose(one, eight, atol=1e-3)


@pytest.mark.long
def test_stored_parts_train_nearly_as_rendered_ones(config, with_parts, tmp_path):
  config.augment.scale = (1.0, 1.0)  # Otherwise one resamples what the other renders.
  config.augment.shift = 0.0
  rendered = run(config, with_parts, tmp_path / 'rendered', ('parts',))
  stored = run(
    config, with_parts, tmp_path / 'stored', ('parts',), representation='heatmaps'
  )
  np.testing.assert_allclose(rendered, stored, atol=0.02)
  assert rendered.std() > 0.002  # The outputs depend on the clips.


def test_parts_that_are_not_there_are_missed_before_anything_is_compiled(
  config, data_dir, tmp_path
):
  tiny_run.export(tmp_path / 'data', 'heatmaps')
  with pytest.raises(ValueError, match=r'holds joints, but not parts; replace it'):
    run(config, tmp_path / 'data', tmp_path, ('parts',), representation='heatmaps')


def test_keypoints_have_no_features(config, with_parts, tmp_path):
  with pytest.raises(ValueError, match='features cannot be rendered from keypoints'):
    run(config, with_parts, tmp_path, ('joints', 'features'))


def test_stored_parts_cannot_follow_joints_one_by_one(config, with_parts, tmp_path):
  config.augment.pose_aware.group_shift = 2.0
  with pytest.raises(ValueError, match='stored parts cannot follow'):
    run(config, with_parts, tmp_path, ('parts',), representation='heatmaps')
