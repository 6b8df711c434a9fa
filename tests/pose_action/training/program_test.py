"""A program's numbers of steps, and what is refused before anything is compiled."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from pose_action.runtime import sharding
from pose_action.training.program import build_program


def test_steps_follow_from_clips_and_epochs(config, data, one_device):
  config.train.eval_every_epochs = 2
  built = build_program(config, data, one_device)
  # 29 clips make three full batches of 8.
  assert (built.steps_per_epoch, built.total_steps) == (3, 12)
  assert built.steps_per_evaluation == 6
  config.train.batch_size = 64  # More than the number of clips: an epoch is one step.
  built = build_program(config, data, one_device)
  assert (built.steps_per_epoch, built.total_steps) == (1, 4)


def test_a_batch_of_all_clips_divides_over_the_devices(
  config, data, one_device, eight_devices
):
  config.train.batch_size = 0
  built = build_program(config, data, one_device)
  assert (built.batch_size, built.steps_per_epoch) == (29, 1)
  built = build_program(config, data, eight_devices)
  assert (built.batch_size, built.steps_per_epoch) == (24, 1)


def test_shapes_are_those_of_the_state(program):
  state = program.initial_state(jnp.int32(0))
  assert jax.tree.structure(state) == jax.tree.structure(program.state_shapes)
  for leaf, shape in zip(
    jax.tree.leaves(state), jax.tree.leaves(program.state_shapes), strict=True
  ):
    assert (leaf.shape, leaf.dtype) == (shape.shape, shape.dtype)
    assert leaf.sharding == shape.sharding


def test_a_step_takes_over_its_state_and_metrics(program, data):
  """Both are donated: no second copy exists while the update is computed."""
  batch = sharding.global_batch(tiny_run.training_batch(data), program.mesh)
  state, metrics = program.initial_state(jnp.int32(0)), program.empty_metrics()
  program.train_step(state, metrics, batch)
  kept = [
    jax.tree_util.keystr(path)
    for path, leaf in jax.tree_util.tree_leaves_with_path((state, metrics))
    if not leaf.is_deleted()
  ]
  assert kept == ['[1].learning_rate.value']  # The step does not read it.
  assert not batch['label'].is_deleted()


def test_pictures_are_of_the_first_clips_unaugmented(program, data):
  batch = tiny_run.training_batch(data)
  rows = sharding.global_batch(batch, program.mesh)
  variables = program.initial_state(jnp.int32(0)).variables()
  maps, motion_maps, labels = program.pictures(variables, rows)
  assert maps.shape == (4, 4, 16, 16, 5)
  assert motion_maps.shape == (4, 16, 16, 5, 4)
  np.testing.assert_array_equal(labels, batch['label'][:4])
  again, _, _ = program.pictures(variables, rows)
  np.testing.assert_array_equal(maps, again)


@pytest.mark.parametrize(
  ('section', 'field', 'value', 'message'),
  [
    ('train', 'batch_size', 12, r'batch_size is 12, which does not divide evenly ove'),
    ('train', 'batch_size', -1, r'config\.train\.batch_size is -1, but must be at lea'),
    ('train', 'epochs', 0, r'config\.train\.epochs is 0, but must be at least 1'),
    ('train', 'state_sharding', 'zero', r"state_sharding is 'zero'"),
    ('train', 'loss', 'hinge', r"config\.train\.loss is 'hinge'"),
    ('eval', 'views', 0, r'config\.eval\.views is 0, but must be at least 1'),
    ('eval', 'batch_size', -1, r'config\.eval\.batch_size is -1'),
    ('eval', 'average', 'mean', r"average is 'mean'; give 'probabilities' or"),
    ('data', 'num_frames', 0, r'config\.data\.num_frames is 0'),
    ('optimizer', 'name', 'lion', r"optimizer\.name is 'lion'"),
    ('optimizer', 'schedule', 'exp', r"optimizer\.schedule is 'exp'"),
    ('optimizer', 'plateau', 'f1', r"optimizer\.plateau is 'f1'"),
    ('model', 'name', 'pa4d', r"model\.name is 'pa4d'"),
    ('model', 'temporal', 'lstm', r"no temporal model 'lstm'"),
  ],
)
def test_settings_that_cannot_be(
  config, data, eight_devices, section, field, value, message
):
  config[section][field] = value
  with pytest.raises(ValueError, match=message):
    build_program(config, data, eight_devices)


def test_the_ramp_counts_the_epochs_of_the_run(jmrn_program):
  """Three steps per epoch: λ is 0 in epochs 0 and 1, 0.2 in epoch 2, then 0.4."""
  step = jmrn_program.train_step
  losses = step.__wrapped__.args[0].keywords['losses']
  assert losses.steps_per_epoch == 3
  weights = [float(losses.weight_at(jnp.int32(s))) for s in range(12)]
  np.testing.assert_allclose(weights, [0] * 6 + [0.2] * 3 + [0.4] * 3, rtol=1e-6)


def test_a_contrastive_loss_needs_embeddings(config, data, one_device):
  config.train.contrastive.weight = 0.5
  built = build_program(config, data, one_device)
  batch = sharding.global_batch(tiny_run.training_batch(data), one_device)
  state = built.state_shapes
  with pytest.raises(ValueError, match=r'the model has no joint embeddings'):
    built.train_step.trace(state, jax.eval_shape(built.empty_metrics), batch)


def test_a_plateau_needs_clips_to_watch(config, one_device):
  config.optimizer.plateau = 'loss'
  config.data.validation_folds = 0
  data = tiny_run.open_run_data(config)
  message = r"plateau is 'loss', but no clips are held out .*validation_folds"
  with pytest.raises(ValueError, match=message):
    build_program(config, data, one_device)


def test_a_plateau_of_the_training_loss_drops_within_the_step(
  config, one_device, loose_dtypes
):
  """Two epochs of three steps without improvement, and no clips are held out."""
  config.optimizer.update({'plateau': 'train_loss', 'plateau_patience': 0})
  config.data.validation_folds = 0
  data = tiny_run.open_run_data(config)
  built = build_program(config, data, one_device)
  batch = sharding.global_batch(tiny_run.training_batch(data), one_device)
  state, metrics = built.initial_state(jnp.int32(0)), built.empty_metrics()
  # No later loss improves on a best one of 0.
  state = state.replace(plateau=state.plateau._replace(best_value=jnp.float32(0)))
  scales = []
  for _ in range(2 * built.steps_per_epoch):
    state, metrics = built.train_step(state, metrics, batch)
    scales.append(round(float(state.plateau.scale), 6))
  epoch = built.steps_per_epoch - 1
  assert epoch > 0
  assert scales == [1.0] * epoch + [0.1] * (epoch + 1) + [0.01]


def test_whole_videos_have_one_view(jmrn_config, jmrn_data, one_device):
  jmrn_config.eval.views = 2
  with pytest.raises(
    ValueError, match=r'eval\.views is 2, but the model sees the whol'
  ):
    build_program(jmrn_config, jmrn_data, one_device)


def test_a_model_reads_its_own_kind_of_maps(
  config, data, jmrn_config, jmrn_data, one_device
):
  config.data.encoding = 'potion'
  with pytest.raises(ValueError, match=r"encoding is 'potion'.*reads 'frames'.*PA3D"):
    build_program(config, data, one_device)
  jmrn_config.data.encoding = 'frames'
  with pytest.raises(ValueError, match=r"encoding is 'frames'.*reads 'potion'.*JMRN"):
    build_program(jmrn_config, jmrn_data, one_device)
