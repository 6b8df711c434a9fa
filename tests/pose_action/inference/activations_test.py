"""Activations against what the same model says, and against the maps it is given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run
import untrained_run

from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.from_keypoints import keypoint_view
from pa3d_jax.model import PA3D
from pose_action.inference.activations import activations_of_clip

SETTINGS = MapSettings((16, 16), 16, 1.0, modalities=('joints', 'parts'))


def make_predictor(*, views=1, data=(), model=(), config=tiny_run.get_config):
  config = config().copy_and_resolve_references().unlock()
  config.eval.views = views
  config.data.update(dict(data))
  config.model.update(dict(model))
  return untrained_run.predictor(config, tiny_run.SKELETON, tiny_run.CLASS_NAMES)


def clip():
  return tiny_run.source().load('test_501')


def classified(predictor, features):
  """What the classifier makes of the features that the picture shows."""
  classifier = predictor._variables['params']['action_cnn']['classifier']
  logits = features.mean((0, 1)) @ np.asarray(classifier['kernel'])
  return np.asarray(jax.nn.softmax(logits + np.asarray(classifier['bias'])))


@pytest.mark.parametrize(
  ('data', 'model', 'layer'),
  [
    ({}, {'features': (8, 16)}, 'conv2_2'),
    ({}, {'convolutions': 3}, 'conv1_3'),
    ({}, {'order': 'relu_norm'}, 'conv1_2'),
    ({}, {'temporal': 'tsn'}, 'conv1_2'),
    ({'modalities': ('parts', 'joints_diff')}, {}, 'conv1_2'),
    (
      {'encoding': 'potion', 'sampling': 'whole', 'num_frames': 8},
      {'temporal': 'potion'},
      'conv1_2',
    ),
  ],
  ids=['stages', 'convolutions', 'relu_norm', 'tsn', 'modalities', 'potion'],
)
def test_features_are_what_the_classifier_reads(data, model, layer):
  predictor = make_predictor(data=data, model=model)
  activations = predictor.activations(clip())
  assert activations.layer == layer
  shares = predictor(clip()).probabilities
  np.testing.assert_allclose(
    classified(predictor, activations.features), shares, rtol=1e-4, atol=1e-6
  )
  kernel = predictor._variables['params']['action_cnn'][layer]['kernel']
  np.testing.assert_array_equal(activations.filters, kernel)
  assert activations.features.shape[-1] == kernel.shape[-1]


def test_maps_and_motion_maps_are_the_model_s_by_modality():
  predictor = make_predictor(data={'modalities': ('parts', 'joints_diff')})
  activations = predictor.activations(clip())
  assert activations.missing == ()
  keypoints = np.concatenate([clip().keypoints, clip().scores[..., None]], -1)
  frames = keypoint_view(
    {
      'keypoints': jnp.asarray(keypoints[[1, 3, 5, 7]]),  # The middles of 4 segments.
      'frame_size': jnp.array(clip().frame_size),
    },
    None,
    tiny_run.SKELETON,
    SETTINGS,
  )
  expected = {
    'parts': frames['parts'],
    'joints_diff': np.diff(frames['joints'], axis=0),
  }
  assert set(activations.maps) == set(activations.motion_maps) == set(expected)
  for modality, maps in expected.items():
    np.testing.assert_allclose(activations.maps[modality], maps, atol=1e-6)
    channels = maps.shape[-1]
    assert activations.motion_maps[modality].shape == (16, 16, channels, 4)


@pytest.mark.parametrize(('views', 'middle'), [(1, 0), (2, 1), (3, 1), (10, 5)])
def test_the_middle_view_is_shown(views, middle):
  model = PA3D(num_classes=2, outputs=2, features=(2,))
  maps = jnp.broadcast_to(
    jnp.arange(views, dtype=jnp.float32).reshape(1, views, 1, 1, 1, 1),
    (1, views, 4, 6, 6, 2),
  )
  variables = model.init(jax.random.key(0), maps[:, 0], train=False)
  activations = activations_of_clip(
    variables,
    {'maps': maps, 'frame_size': jnp.array([[6, 6]])},
    model=model,
    input_of_batch=lambda view, key: view['maps'],
    modalities=('joints',),
  )
  np.testing.assert_array_equal(activations.maps['joints'], maps[0, middle])


def test_a_jmrn_has_maps_by_colour_and_no_more():
  predictor = make_predictor(config=tiny_run.get_jmrn_config)
  activations = predictor.activations(clip())  # Of the class 'raise'.
  assert activations.missing == ('motion maps', 'action CNN')
  assert activations.filters is activations.features is None
  assert activations.maps['joints'].shape == (3, 16, 16, 5)
  # Colours follow each other in time: a rising wrist is higher up in the last.
  wrist = activations.maps['joints'][..., 1]
  rows = (wrist.sum(axis=2) * np.arange(16)).sum(axis=1) / wrist.sum(axis=(1, 2))
  assert rows[2] < rows[0] - 1


@pytest.mark.parametrize('temporal', ['tsn', 'potion'])
def test_what_a_baseline_has_not(temporal):
  data = {}
  if temporal == 'potion':
    data = {'encoding': 'potion', 'sampling': 'whole', 'num_frames': 8}
  predictor = make_predictor(data=data, model={'temporal': temporal})
  assert predictor.activations(clip()).missing == ('motion maps',)
