"""The average over each view and its mirror image, by hand and through a run."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from input_pipeline.loading.clip_rows import evaluation_batch
from input_pipeline.model_input import batch_input
from model_lib.output import ModelOutput
from pose_action.inference.predictor import Predictor
from pose_action.runtime import sharding
from pose_action.training import experiment
from pose_action.training.evaluation_step import evaluation_step
from pose_action.training.losses import LossSettings
from pose_action.training.program import build_program


class CellsAsOutput(nn.Module):
  """The maps' cells are the logits for two classes, then the weights for three joints."""

  def __call__(self, maps, *, train):
    assert not train
    cells = maps[:, 0, 0, 0]
    return ModelOutput(logits=cells[:, :2], joint_weights=cells[:, 2:])


def _evaluated(average='probabilities', mirror=(1, 0, 2, 3)):
  """One video of two views; in a mirror image, each logit of class 0 is ln 9 more."""
  rows = np.array([[[0, 0, 0.1, 0.5, 1], [0, 0, 0.3, 0.5, 1]]], np.float32)

  def input_of_batch(views, key, *, mirrored=False):
    assert key is None
    more = jnp.array([mirrored * np.log(9), 0, 0, 0, 0], jnp.float32)
    return views['maps'] + more.reshape(1, 1, 1, 1, 5)

  return evaluation_step(
    {},
    {'maps': rows[:, :, None, None, None]},
    model=CellsAsOutput(),
    input_of_batch=input_of_batch,
    losses=LossSettings(),
    average=average,
    mirror=mirror,
  )


@pytest.mark.parametrize(
  ('average', 'expected'),
  [
    # Views (1/2, 1/2), mirror images (9/10, 1/10).
    ('probabilities', [[0.7, 0.3]]),
    # Logits (0, 0) and (ln 9, 0) average to (ln 3, 0).
    ('logits', [[0.75, 0.25]]),
  ],
)
def test_mirror_images_count_as_views(average, expected):
  answer = _evaluated(average)
  np.testing.assert_allclose(answer.probabilities, expected, rtol=1e-6)
  plain = _evaluated(average, mirror=None)
  np.testing.assert_allclose(plain.probabilities, [[0.5, 0.5]], rtol=1e-6)


def test_a_joints_weight_is_averaged_with_its_own_in_the_image():
  """Joints 0 and 1 swap: 0.1, 0.3 and, from their partner, 0.5, 0.5; joint 2 stays."""
  weights = _evaluated().joint_weights
  np.testing.assert_allclose(weights, [[0.35, 0.35, 1.0]], rtol=1e-6)
  np.testing.assert_allclose(
    _evaluated(mirror=None).joint_weights, [[0.2, 0.5, 1.0]], rtol=1e-6
  )


@pytest.mark.parametrize('name', ['pa3d', 'jmrn'])
@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps', 'potion'])
def test_the_mirror_image_of_a_models_input(
  name, representation, tmp_path, request, one_device
):
  """Columns reversed and sides swapped, in every representation and encoding."""
  if (name, representation) == ('pa3d', 'potion'):
    pytest.skip('PA3D reads maps of single frames')
  config = request.getfixturevalue({'pa3d': 'config', 'jmrn': 'jmrn_config'}[name])
  config.data.data_dir = str(tmp_path)
  config.data.representation = representation
  tiny_run.export(tmp_path, representation)
  data = tiny_run.open_run_data(config)
  records = [data.test.records[int(i)] for i in data.test.indices[:3]]
  batch = evaluation_batch(records, data.clip_settings, size=3, num_views=1)
  batch = {
    field: array[:, 0] if field in ('keypoints', 'maps', 'potion') else array
    for field, array in batch.items()
  }
  read = functools.partial(
    batch_input,
    batch,
    None,
    skeleton=data.skeleton,
    settings=data.map_settings,
    augmentation=data.augment_settings,
  )
  maps, mirrored = np.asarray(read()), np.asarray(read(mirrored=True))
  permutation = list(data.skeleton.map_flip_permutation)
  assert permutation[:3] == [0, 2, 1]
  if name == 'pa3d':  # [b, t, h, w, c]
    wanted = maps[:, :, :, ::-1][..., permutation]
  else:  # [b, j, h, w, c]
    wanted = maps[:, permutation, :, ::-1]
  assert maps.max() > 0.1
  assert np.abs(maps - mirrored).max() > 0.1
  np.testing.assert_allclose(mirrored, wanted, atol=2e-3)


def test_a_run_and_its_predictor_average_over_mirror_images(
  config, data, tmp_path, one_device, no_tensorboard
):
  """The headline's scores are those of the Predictor, and differ from the plain ones."""
  config.train.epochs = 1
  config.eval.mirror = True
  results = experiment.train_and_evaluate(config, str(tmp_path), mesh=one_device)
  averaged = ', probabilities averaged, probabilities averaged with the mirror images;'
  assert averaged in results['protocol']
  saved = np.load(tmp_path / 'scores_test.npz')
  predictor = Predictor.from_workdir(tmp_path, checkpoint='last')
  clip = tiny_run.source().load(str(saved['video_ids'][3]))
  probabilities = predictor(dataclasses.replace(clip, labels=())).probabilities
  np.testing.assert_allclose(probabilities, saved['scores'][3], rtol=1e-5, atol=1e-7)

  # The same for the mirrored clip: positions reversed, sides swapped.
  sides = list(tiny_run.SKELETON.flip_permutation)
  keypoints = np.array(clip.keypoints)[:, :, sides]
  keypoints[..., 0] = clip.frame_size[1] - 1 - keypoints[..., 0]
  mirrored = dataclasses.replace(
    clip, keypoints=keypoints, scores=np.array(clip.scores)[:, :, sides], labels=()
  )
  np.testing.assert_allclose(
    predictor(mirrored).probabilities, probabilities, rtol=1e-3
  )

  config.eval.mirror = False
  program = build_program(config, data, one_device)
  batch = predictor._batch([predictor._record(clip)], 1)
  rows = sharding.global_batch(batch, one_device)
  plain, _ = program.evaluation_step(predictor._variables, rows)
  assert np.abs(np.asarray(plain.probabilities[0]) - probabilities).max() > 1e-6


def test_eight_devices_average_the_same(config, data, one_device, eight_devices):
  config.eval.mirror = True
  found = []
  for mesh in (one_device, eight_devices):
    program = build_program(config, data, mesh)
    records = [data.test.records[int(i)] for i in data.test.indices[:8]]
    batch = evaluation_batch(records, data.clip_settings, size=8, num_views=2)
    variables = program.initial_state(jnp.int32(0)).variables()
    output, _ = program.evaluation_step(variables, sharding.global_batch(batch, mesh))
    found.append(jax.device_get(output.probabilities))
  np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-6)
