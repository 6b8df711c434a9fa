"""The whole PA3D: the paper's sizes, the effect of frame order, and that it learns."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pa3d_jax.action_cnn import ActionCNN
from pa3d_jax.model import PA3D

CLIPS_SHAPE = (4, 4, 12, 12, 2)
SMALL = {'num_classes': 4, 'outputs': 4, 'features': (8, 16), 'dropout': 0.0}


def shapes_of(model, maps_shape):
  """The shapes of (variables, output)."""
  maps = jax.ShapeDtypeStruct(maps_shape, jnp.float32)
  output, variables = jax.eval_shape(
    functools.partial(model.init_with_output, train=False), jax.random.key(0), maps
  )
  return variables, output


def count(tree):
  return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def four_clips():
  """Two motions and their reverses, four classes: maps `[b, t, h, w, c]` and labels.

  A spot moves across the map, in channel 0 for one motion and channel 1 for the other.
  """
  maps = np.zeros(CLIPS_SHAPE, np.float32)
  for frame in range(4):
    maps[0, frame, 5:8, 3 * frame : 3 * frame + 3, 0] = 1
    maps[2, frame, 3 * frame : 3 * frame + 3, 5:8, 1] = 1
  maps[1], maps[3] = maps[0, ::-1], maps[2, ::-1]
  return jnp.array(maps), jnp.arange(4)


def losses_of_training(model, variables, steps):
  """Cross entropy at each step on the four clips."""
  maps, labels = four_clips()
  optimizer = optax.sgd(0.1, momentum=0.9)

  @jax.jit
  def step(variables, opt_state):
    def loss_of(params):
      output, changed = model.apply(
        {**variables, 'params': params}, maps, train=True, mutable=['batch_stats']
      )
      losses = optax.softmax_cross_entropy_with_integer_labels(output.logits, labels)
      return losses.mean(), changed

    gradient_of = jax.value_and_grad(loss_of, has_aux=True)
    (loss, changed), gradient = gradient_of(variables['params'])
    updates, opt_state = optimizer.update(gradient, opt_state)
    params = optax.apply_updates(variables['params'], updates)
    return {**changed, 'params': params}, opt_state, loss

  opt_state = optimizer.init(variables['params'])
  losses = []
  for _ in range(steps):
    variables, opt_state, loss = step(variables, opt_state)
    losses.append(float(loss))
  return losses


@pytest.mark.parametrize(
  ('frames', 'outputs', 'branches', 'classes', 'representation', 'parameters'),
  [
    # JHMDB, Sec. 4.1: T=4, N=8. 24 taps in the filters (4·4 + 4·2), then the action
    # CNN: 9·152·128 + 4,571,136 (the other convolutions) + 3,584 (BatchNorm) + 10,773
    # (513·21).
    (4, 8, ('global', 'dilated'), 21, 152, 24 + 4_760_597),
    # HMDB: T=8, N=6, global branch: 6·8, then 9·114·128 + 4,571,136 + 3,584 + 513·51.
    (8, 6, ('global',), 51, 114, 48 + 131_328 + 4_571_136 + 3_584 + 26_163),
    # HMDB with both scales, Table 3's best: 3·8 + 3·4.
    (8, 6, ('global', 'dilated'), 51, 114, 36 + 131_328 + 4_571_136 + 3_584 + 26_163),
  ],
  ids=['JHMDB', 'HMDB global', 'HMDB'],
)
def test_the_paper_s_sizes(
  frames, outputs, branches, classes, representation, parameters
):
  model = PA3D(num_classes=classes, branches=branches, outputs=outputs)
  variables, output = shapes_of(model, (2, frames, 64, 86, 19))
  assert count(variables['params']) == parameters
  kernel = variables['params']['action_cnn']['conv1_1']['kernel']
  assert kernel.shape == (3, 3, representation, 128)
  assert output.logits.shape == (2, classes)
  assert output.motion_maps.shape == (2, 64, 86, 19, outputs)


@pytest.mark.parametrize(
  ('channels', 'outputs', 'representation'),
  [(19, 6, 114), (19, 8, 152), (38, 6, 228), (128, 6, 768)],
)
def test_r_is_maps_times_outputs(channels, outputs, representation):
  model = PA3D(num_classes=5, outputs=outputs)
  variables, _ = shapes_of(model, (1, 8, 16, 16, channels))
  kernel = variables['params']['action_cnn']['conv1_1']['kernel']
  assert kernel.shape[2] == representation


@pytest.mark.parametrize(
  ('fields', 'filters'),
  [
    # 8 outputs, 4 of them dilated, with T/d taps.
    ({}, (4, 4)),
    ({'dilation': 4}, (4, 2)),
    ({'dilation_phases': 'all'}, (2, 4)),
    ({'outputs': 6}, (3, 4)),
  ],
)
def test_fields_reach_the_temporal_pose_convolution(fields, filters):
  variables, _ = shapes_of(PA3D(num_classes=5, **fields), (1, 8, 16, 16, 3))
  assert variables['params']['temporal_pose_conv']['dilated'].shape == filters


# Flax's BatchNorm computes float32 statistics from bfloat16 activations by standard
# promotion, which these tests' strict promotion would refuse.
@jax.numpy_dtype_promotion('standard')
@pytest.mark.parametrize(
  'temporal', ['temporal_pose_conv', 'temporal_conv', 'conv3d', 'colorization']
)
def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32(temporal):
  model = PA3D(num_classes=5, temporal=temporal, dtype=jnp.bfloat16)
  variables, output = shapes_of(model, (1, 8, 16, 16, 3))
  assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype('float32')}
  assert output.motion_maps.dtype == jnp.bfloat16
  assert output.logits.dtype == jnp.float32


def test_tsn_has_the_action_cnn_alone():
  variables, output = shapes_of(
    PA3D(num_classes=21, temporal='tsn'), (2, 4, 64, 86, 19)
  )
  # 9·19·128 in the first convolution, the rest same as for JHMDB.
  assert count(variables['params']) == 21_888 + 4_571_136 + 3_584 + 10_773
  assert set(variables['params']) == {'action_cnn'}
  assert output.logits.shape == (2, 21)
  assert output.motion_maps is None


@pytest.mark.parametrize(
  ('temporal', 'parameters', 'motion', 'representation'),
  [
    ('temporal_conv', 912, (1, 6), 6),  # N·C·T = 6·19·8
    ('conv3d', 8_208, (1, 6), 6),  # N·C·T·9
    ('colorization', 0, (19, 6), 114),
  ],
)
def test_baselines_differ_before_the_action_cnn(
  temporal, parameters, motion, representation
):
  """With HMDB's T = 8 and N = 6; the action CNN is the same as for HMDB."""
  model = PA3D(num_classes=51, outputs=6, temporal=temporal)
  variables, output = shapes_of(model, (2, 8, 64, 86, 19))
  action_cnn = 9 * representation * 128 + 4_571_136 + 3_584 + 26_163
  assert count(variables['params']) == parameters + action_cnn
  assert set(variables['params']) - {temporal} == {'action_cnn'}
  assert output.logits.shape == (2, 51)
  assert output.motion_maps.shape == (2, 64, 86, *motion)
  assert model.encoding == 'frames'


# PoTion on JHMDB's 18 joints in 3 colours: 9·54·128, the rest same as for PA3D.
POTION = 62_208 + 4_571_136 + 3_584 + 10_773
# A third convolution per stage: 9·128² + 9·256² + 9·512² and their BatchNorm.
DEEPER = 147_456 + 589_824 + 2_359_296 + 2 * (128 + 256 + 512)


@pytest.mark.parametrize(
  ('convolutions', 'parameters', 'millions'),
  [(2, POTION, 4.65), (3, POTION + DEEPER, 7.75)],
)
def test_potion_has_the_action_cnn_alone(convolutions, parameters, millions):
  model = PA3D(num_classes=21, temporal='potion', convolutions=convolutions)
  variables, output = shapes_of(model, (2, 18, 64, 86, 3))
  assert count(variables['params']) == parameters
  assert round(parameters / 1e6, 2) == millions
  assert set(variables['params']) == {'action_cnn'}
  assert output.logits.shape == (2, 21)
  assert output.motion_maps is None


def test_potion_lays_the_maps_of_a_joint_side_by_side(random_variables):
  """Joint j's colour c is the action CNN's channel 3·j + c."""
  model = PA3D(**SMALL, temporal='potion')
  maps = jnp.array(np.random.default_rng(0).uniform(size=(1, 2, 8, 8, 3)), jnp.float32)
  variables = random_variables(model, maps.shape)
  channels = [maps[:, joint, ..., c] for joint in range(2) for c in range(3)]
  logits = model.apply(variables, maps, train=False).logits
  cnn = ActionCNN(num_classes=4, features=(8, 16), dropout=0.0)
  beside = cnn.apply(
    {part: of['action_cnn'] for part, of in variables.items()},
    jnp.stack(channels, axis=-1),
    train=False,
  )
  np.testing.assert_allclose(logits, beside, rtol=1e-5)


def change_by_reversing(temporal, random_variables):
  """The largest change of a logit when clips are reversed, relative to the largest."""
  rng = np.random.default_rng(0)
  maps = jnp.array(rng.uniform(0, 1, (2, 4, 8, 8, 3)), jnp.float32)
  model = PA3D(**SMALL, temporal=temporal)
  variables = random_variables(model, maps.shape)
  apply = jax.jit(functools.partial(model.apply, train=False))
  forward, backward = (
    np.asarray(apply(variables, clips).logits) for clips in (maps, maps[:, ::-1])
  )
  assert abs(forward).max() > 0.01
  return abs(forward - backward).max() / abs(forward).max()


@pytest.mark.parametrize(
  'temporal', ['temporal_pose_conv', 'temporal_conv', 'conv3d', 'colorization']
)
def test_tells_a_motion_from_its_reverse(temporal, random_variables):
  assert change_by_reversing(temporal, random_variables) > 0.05


def test_tsn_does_not_tell_a_motion_from_its_reverse(random_variables):
  assert change_by_reversing('tsn', random_variables) < 1e-5


def test_motion_maps_are_those_of_the_filters(random_variables):
  maps, _ = four_clips()
  model = PA3D(**SMALL, branches=('global',))
  variables = random_variables(model, maps.shape)
  theta = variables['params']['temporal_pose_conv']['global']
  motion_maps = jax.jit(
    lambda maps: model.apply(variables, maps, train=False).motion_maps
  )(maps)
  expected = np.tensordot(np.asarray(maps), np.asarray(theta), axes=(1, 1))
  np.testing.assert_allclose(motion_maps, expected, atol=1e-5)


def test_overfits_four_clips_that_differ_in_direction(random_variables):
  model = PA3D(**SMALL)
  variables = random_variables(model, CLIPS_SHAPE)
  losses = losses_of_training(model, variables, steps=40)
  assert losses[0] > 1
  assert losses[-1] < 0.05


def test_tsn_cannot_tell_them_apart(random_variables):
  # The best it can do is to guess within each pair of a motion and its reverse: log 2.
  model = PA3D(**SMALL, temporal='tsn')
  losses = losses_of_training(model, random_variables(model, CLIPS_SHAPE), steps=40)
  assert min(losses) > math.log(2) - 1e-5
  np.testing.assert_allclose(losses[-1], math.log(2), atol=0.05)


def test_an_unknown_temporal_model_is_refused():
  message = (
    "no temporal model '3dconv'; use one of temporal_pose_conv, temporal_conv, "
    'conv3d, colorization, tsn, potion'
  )
  with pytest.raises(ValueError, match=message):
    shapes_of(PA3D(num_classes=3, temporal='3dconv'), (1, 4, 8, 8, 2))


def test_the_input_can_be_normalised_by_channel(random_variables):
  """In training, rescaled and shifted channels give the same logits."""
  model = PA3D(**SMALL, input_norm='batch_norm')
  variables = random_variables(model, CLIPS_SHAPE)
  maps, _ = four_clips()
  stretched = maps * jnp.array([2.0, 5.0]).reshape(1, 1, 1, 1, 2) + 1
  logits = [
    model.apply(variables, x, train=True, mutable=['batch_stats'])[0].logits
    for x in (maps, stretched)
  ]
  np.testing.assert_allclose(logits[0], logits[1], rtol=1e-2, atol=1e-2)
  assert 'input_batch_norm' in variables['params']
  assert 'input_batch_norm' not in shapes_of(PA3D(**SMALL), CLIPS_SHAPE)[0]['params']


def test_an_unknown_input_norm_is_refused():
  with pytest.raises(ValueError, match="no input norm 'zscore'; use 'none' or 'bat"):
    shapes_of(PA3D(num_classes=3, input_norm='zscore'), (1, 4, 8, 8, 2))


def test_the_last_convolution_can_be_captured_for_a_picture(random_variables):
  """PA3D Fig. 4: after BatchNorm and ReLU it is the classifier's input."""
  model = PA3D(**(SMALL | {'features': (4, 8, 16)}))
  maps, _ = four_clips()
  variables = random_variables(model, maps.shape)

  @jax.jit
  def captured(maps):
    return model.apply(
      variables,
      maps,
      train=False,
      capture_intermediates=lambda module, _: module.name in ('conv3_2', 'norm3_2'),
      mutable=['intermediates'],
    )

  output, collections = captured(maps)
  layers = collections['intermediates']['action_cnn']
  assert set(layers) == {'conv3_2', 'norm3_2'}
  (convolved,), (normalised,) = (layers[name]['__call__'] for name in sorted(layers))
  assert convolved.shape == (4, 2, 2, 16)
  statistics = variables['batch_stats']['action_cnn']['norm3_2']
  affine = variables['params']['action_cnn']['norm3_2']
  expected = (np.asarray(convolved) - np.asarray(statistics['mean'])) / np.sqrt(
    np.asarray(statistics['var']) + 1e-5
  ) * np.asarray(affine['scale']) + np.asarray(affine['bias'])
  np.testing.assert_allclose(normalised, expected, rtol=1e-4, atol=1e-4)
  pooled = np.maximum(normalised, 0).mean(axis=(1, 2))
  classifier = variables['params']['action_cnn']['classifier']
  logits = pooled @ np.asarray(classifier['kernel']) + np.asarray(classifier['bias'])
  np.testing.assert_allclose(output.logits, logits, rtol=1e-4, atol=1e-4)
