"""PA3D on several modalities in one model (⊕ of Table 5)."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pa3d_jax.action_cnn import ActionCNN
from pa3d_jax.model import PA3D

SMALL = {'num_classes': 4, 'outputs': 4, 'features': (8, 16), 'dropout': 0.0}
# Sorting changes the order of these names; a difference has one frame less.
SHAPES = {
  'parts': (2, 4, 8, 10, 3),
  'joints': (2, 4, 8, 10, 2),
  'joints_diff': (2, 3, 8, 10, 2),
}
SORTED = ['joints', 'joints_diff', 'parts']
LEARNT = ['temporal_pose_conv', 'temporal_conv', 'conv3d']


def random_maps(shapes=SHAPES):
  rng = np.random.default_rng(0)
  return {
    name: jnp.array(rng.uniform(size=shape), jnp.float32)
    for name, shape in shapes.items()
  }


def shapes_of(model, shapes):
  """The shapes of (variables, output)."""
  maps = {
    name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()
  }
  output, variables = jax.eval_shape(
    functools.partial(model.init_with_output, train=False), jax.random.key(0), maps
  )
  return variables, output


def count(tree):
  return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def of_module(variables, name):
  return {part: tree[name] for part, tree in variables.items() if name in tree}


@functools.partial(jax.jit, static_argnums=0)
def applied(model, variables, maps):
  return model.apply(variables, maps, train=False)


@pytest.mark.parametrize(
  ('modalities', 'representation', 'filters'),
  [
    # T = 8, N = 6: 3 global filters with 8 taps and 3 dilated filters with 4; for the 7
    # frames of a difference, 7 and 4 taps.
    ({'joints': 19, 'parts': 38}, 342, 2 * 36),
    ({'joints': 19, 'joints_diff': 19}, 228, 36 + 33),
    (
      {
        'joints': 19,
        'joints_diff': 19,
        'parts': 38,
        'parts_diff': 38,
        'features': 128,
        'features_diff': 128,
      },
      2_220,
      3 * (36 + 33),
    ),
  ],
  ids=['J⊕P', 'J⊕Jdiff', 'all six'],
)
def test_the_paper_s_sizes(modalities, representation, filters):
  shapes = {
    name: (2, 7 if name.endswith('_diff') else 8, 64, 86, channels)
    for name, channels in modalities.items()
  }
  variables, output = shapes_of(PA3D(num_classes=51, outputs=6), shapes)
  params = variables['params']
  assert set(params) == {
    'action_cnn',
    *(f'temporal_pose_conv_{name}' for name in modalities),
  }
  # The action CNN differs from that for HMDB's joints only in its first convolution.
  action_cnn = 9 * representation * 128 + 4_571_136 + 3_584 + 26_163
  assert count(params['action_cnn']) == action_cnn
  assert count(params) == action_cnn + filters
  assert output.logits.shape == (2, 51)
  assert {name: maps.shape for name, maps in output.motion_maps.items()} == {
    name: (2, 64, 86, channels, 6) for name, channels in modalities.items()
  }


@pytest.mark.parametrize('temporal', [*LEARNT, 'colorization'])
def test_one_action_cnn_reads_what_each_modality_s_own_model_gives(
  temporal, random_variables
):
  maps = random_maps()
  model = PA3D(**SMALL, temporal=temporal)
  variables = random_variables(model, SHAPES)
  output = applied(model, variables, maps)
  beside = []
  for modality in SORTED:
    # A model of this modality only, with the same filters.
    alone = random_variables(model, SHAPES[modality])
    if temporal != 'colorization':
      params = variables['params'][f'{temporal}_{modality}']
      alone['params'] = alone['params'] | {temporal: params}
    motion_maps = applied(model, alone, maps[modality]).motion_maps
    np.testing.assert_allclose(
      output.motion_maps[modality], motion_maps, rtol=1e-4, atol=1e-5
    )
    beside.append(motion_maps.reshape(2, 8, 10, -1))
  action_cnn = ActionCNN(num_classes=4, features=(8, 16), dropout=0.0)
  logits = action_cnn.apply(
    of_module(variables, 'action_cnn'), jnp.concatenate(beside, axis=-1), train=False
  )
  np.testing.assert_allclose(output.logits, logits, rtol=1e-4, atol=1e-4)


def test_tsn_reads_all_modalities_of_a_frame_together(random_variables):
  shapes = {name: SHAPES[name] for name in ('parts', 'joints')}
  maps = random_maps(shapes)
  model = PA3D(**SMALL, temporal='tsn')
  variables = random_variables(model, shapes)
  output = applied(model, variables, maps)
  assert output.motion_maps is None
  together = jnp.concatenate([maps['joints'], maps['parts']], axis=-1)
  np.testing.assert_allclose(
    output.logits, applied(model, variables, together).logits, rtol=1e-5
  )


def test_potion_lays_modalities_side_by_side(random_variables):
  # The number of maps differs between modalities; each map has three colours.
  shapes = {'parts': (1, 4, 8, 8, 3), 'joints': (1, 2, 8, 8, 3)}
  maps = random_maps(shapes)
  model = PA3D(**SMALL, temporal='potion')
  assert model.encoding == 'potion'
  variables = random_variables(model, shapes)
  output = applied(model, variables, maps)
  together = jnp.concatenate([maps['joints'], maps['parts']], axis=1)
  assert output.motion_maps is None
  np.testing.assert_allclose(
    output.logits, applied(model, variables, together).logits, rtol=1e-5
  )


@pytest.mark.parametrize('temporal', LEARNT)
def test_the_order_of_a_dict_says_nothing(temporal, random_variables):
  maps = random_maps()
  model = PA3D(**SMALL, temporal=temporal)
  variables = random_variables(model, SHAPES)
  reordered = {name: maps[name] for name in reversed(SORTED)}
  for apply in (applied, applied.__wrapped__):  # jit sorts the keys; a plain call not.
    one, other = (apply(model, variables, given) for given in (maps, reordered))
    np.testing.assert_array_equal(one.logits, other.logits)
    assert list(one.motion_maps) == list(other.motion_maps) == SORTED


@pytest.mark.parametrize('temporal', LEARNT)
def test_modalities_are_named_and_a_plain_array_is_not(temporal):
  model = PA3D(**SMALL, temporal=temporal, input_norm='batch_norm')
  several, _ = shapes_of(model, SHAPES)
  assert set(several['params']) == {
    'action_cnn',
    *(f'{temporal}_{name}' for name in SORTED),
    *(f'input_batch_norm_{name}' for name in SORTED),
  }
  one, output = shapes_of(model, {'parts': SHAPES['parts']})
  named = {'action_cnn', f'{temporal}_parts', 'input_batch_norm_parts'}
  assert set(one['params']) == named
  assert set(output.motion_maps) == {'parts'}
  plain = jax.eval_shape(
    functools.partial(model.init, train=False),
    jax.random.key(0),
    jax.ShapeDtypeStruct(SHAPES['parts'], jnp.float32),
  )
  assert set(plain['params']) == {'action_cnn', temporal, 'input_batch_norm'}


@pytest.mark.parametrize(
  ('shapes', 'temporal', 'message'),
  [
    (
      SHAPES,
      'tsn',
      r"'tsn' reads .* equal numbers of frames, but got {'joints': 4, 'joints_diff': 3, ",
    ),
    (
      {'joints': (1, 4, 8, 8, 2), 'parts': (1, 4, 8, 9, 2)},
      'temporal_pose_conv',
      r"need equal b, h and w .* got {'joints': \(1, 4, 8, 8, 2\), 'parts': \(1, 4, 8, 9",
    ),
    (
      {'joints': (1, 4, 8, 8, 2), 'parts': (2, 4, 8, 8, 2)},
      'tsn',
      'make the number of clips and the map sizes equal',
    ),
    ({}, 'temporal_pose_conv', 'got an empty dict of modalities; give'),
  ],
)
def test_misuse(shapes, temporal, message):
  with pytest.raises(ValueError, match=message):
    shapes_of(PA3D(**SMALL, temporal=temporal), shapes)
