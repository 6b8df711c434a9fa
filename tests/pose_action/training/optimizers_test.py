"""Schedules and updates against numbers worked by hand, plateaus against PyTorch."""

import importlib.util
import json
import math
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.shared import base
from pose_action.training import optimizers


def _config(**changes):
  config = base.base_config().optimizer
  config.update({'learning_rate': 0.1, 'momentum': 0.0, 'weight_decay': 0.0} | changes)
  return config


def _rates(config, steps, total_steps=12, steps_per_epoch=4):
  schedule = optimizers.make_schedule(
    config, total_steps=total_steps, steps_per_epoch=steps_per_epoch
  )
  rates = jax.jit(jax.vmap(schedule))(jnp.array(steps, jnp.int32))
  assert rates.dtype == jnp.float32
  return rates


@pytest.mark.parametrize(
  ('changes', 'rate_at'),
  [
    ({'schedule': 'constant'}, {0: 0.1, 11: 0.1}),
    (
      {'schedule': 'constant', 'warmup_epochs': 1},
      {0: 0.02, 1: 0.04, 2: 0.06, 3: 0.08, 4: 0.1, 5: 0.1},
    ),
    # The cosine: 1 at the start, 0 half-way, -1 at the end.
    ({'schedule': 'cosine'}, {0: 0.1, 4: 0.075, 6: 0.05, 8: 0.025, 12: 0.0}),
    # The eight steps after the warm-up.
    (
      {'schedule': 'cosine', 'warmup_epochs': 1},
      {0: 0.02, 3: 0.08, 4: 0.1, 8: 0.05, 12: 0.0},
    ),
    (
      {'schedule': 'steps', 'decay_epochs': (1, 2)},
      {0: 0.1, 3: 0.1, 4: 0.01, 7: 0.01, 8: 0.001, 11: 0.001},
    ),
    # Epochs are counted from the start, not from the end of the warm-up.
    (
      {'schedule': 'steps', 'decay_epochs': (2,), 'warmup_epochs': 1},
      {3: 0.08, 4: 0.1, 7: 0.1, 8: 0.01},
    ),
    (
      {'schedule': 'steps', 'decay_epochs': (2,), 'decay_factor': 0.5},
      {7: 0.1, 8: 0.05},
    ),
  ],
)
def test_learning_rates(changes, rate_at):
  rates = _rates(_config(**changes), list(rate_at))
  np.testing.assert_allclose(rates, list(rate_at.values()), rtol=1e-5, atol=1e-9)


def _updates(config, gradients, params, steps=1):
  """The last of `steps` updates with the same gradients."""
  optimizer = optimizers.make_optimizer(config, lambda step: config.learning_rate)
  state = optimizer.init(params)
  updates = None
  for _ in range(steps):
    updates, state = optimizer.update(gradients, state, params)
  return updates


def test_momentum():
  params, gradients = {'bias': jnp.zeros(1)}, {'bias': jnp.ones(1)}
  config = _config(name='sgd', momentum=0.9)
  # The trace is 1, 1.9, 2.71.
  updates = _updates(config, gradients, params, steps=3)
  np.testing.assert_allclose(updates['bias'], [-0.271], rtol=1e-6)
  config.nesterov = True  # 1 + 0.9 · 2.71
  updates = _updates(config, gradients, params, steps=3)
  np.testing.assert_allclose(updates['bias'], [-0.3439], rtol=1e-6)


@pytest.mark.parametrize(
  ('name', 'update'),
  [
    ('sgd', -0.1 * 0.5 * 2),
    ('adam', -0.1),  # The decay is the whole gradient: Adam makes it ±1.
    ('adamw', -0.1 * 0.5 * 2),
  ],
)
def test_only_kernels_decay(name, update, loose_dtypes):
  params = {
    'conv': {'kernel': jnp.full(1, 2.0), 'bias': jnp.full(1, 2.0)},
    'norm': {'scale': jnp.full(1, 2.0), 'bias': jnp.full(1, 2.0)},
    'temporal_pose_conv': {'global': jnp.full(1, 2.0)},
  }
  still = jax.tree.map(jnp.zeros_like, params)
  updates = _updates(_config(name=name, weight_decay=0.5), still, params)
  np.testing.assert_allclose(updates['conv'].pop('kernel'), [update], rtol=1e-5)
  assert all(not leaf.any() for leaf in jax.tree.leaves(updates))


def test_clipping_is_of_the_gradient_before_its_decay():
  params = {'kernel': jnp.ones(2)}
  gradients = {'kernel': jnp.array([3.0, 4.0])}  # The norm is 5.
  config = _config(learning_rate=1.0, weight_decay=0.1, clip_norm=1.0)
  updates = _updates(config, gradients, params)
  np.testing.assert_allclose(updates['kernel'], [-0.7, -0.9], rtol=1e-6)
  config.clip_norm = 6.0
  updates = _updates(config, gradients, params)
  np.testing.assert_allclose(updates['kernel'], [-3.1, -4.1], rtol=1e-6)


def _scales(config, values):
  plateau = optimizers.make_plateau(config)
  state, scales = plateau.init({'w': jnp.zeros(1)}), []
  for value in values:
    _, state = plateau.update({}, state, value=jnp.float32(value))
    scales.append(round(float(state.scale), 6))
  return scales


# Scales of PyTorch 2.14's ReduceLROnPlateau(factor=0.1, patience=patience).
@pytest.mark.parametrize(
  ('patience', 'values', 'scales'),
  [
    # Improvements never drop; each evaluation without one does.
    (0, [2.0, 1.5, 1.0, 1.0, 0.5, 0.6, 0.7], [1, 1, 1, 0.1, 0.1, 0.01, 0.001]),
    (
      1,
      [2.0, 2.0, 2.1, 1.9, 1.95, 1.8, 1.8, 1.8],
      [1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.01],
    ),
    (2, [2.0, 2.0, 2.1, 2.2, 1.9, 2.0, 2.0, 2.0], [1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01]),
    # An improvement by less than 0.01 % is none.
    (1, [2.0, 1.9999, 1.9998, 1.9997], [1, 1, 0.1, 0.1]),
    # An error of 0 cannot improve.
    (1, [0.5, 0.5, 0.5, 0.0, 0.0, 0.0], [1, 1, 0.1, 0.1, 0.1, 0.01]),
  ],
)
def test_drop_on_plateau(patience, values, scales, loose_dtypes):
  config = _config(plateau='loss', plateau_patience=patience, plateau_factor=0.1)
  assert _scales(config, values) == scales


def test_the_training_loss_counts_once_per_epoch(loose_dtypes):
  """The mean of two steps: 2, then 2.5, which is worse though its last step is not."""
  config = _config(plateau='train_loss', plateau_patience=0, plateau_factor=0.5)
  plateau = optimizers.make_plateau(config, steps_per_epoch=2)
  state, scales = plateau.init({'w': jnp.zeros(1)}), []
  for loss in (3.0, 1.0, 4.0, 1.0):
    _, state = plateau.update({}, state, value=jnp.float32(loss))
    scales.append(float(state.scale))
  assert scales == [1, 1, 1, 0.5]


# In a process of its own: PyTorch may crash where TensorFlow was imported before it.
_PYTORCH = """
import json, sys, torch
result = []
for patience, cooldown, floor, values in json.load(sys.stdin):
  optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
  scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
    optimizer, factor=0.5, patience=patience, cooldown=cooldown, min_lr=floor, eps=0.0
  )
  result.append([])
  for value in values:
    scheduler.step(value)
    result[-1].append(optimizer.param_groups[0]['lr'])
json.dump(result, sys.stdout)
"""


@pytest.mark.skipif(
  importlib.util.find_spec('torch') is None, reason='PyTorch is not installed'
)
def test_drops_are_those_of_pytorch(loose_dtypes):
  draw = np.random.default_rng(0).integers
  # DD-Net's port gives PyTorch a cooldown of half an epoch.
  cases = [
    (patience, cooldown, floor, (draw(1, 9, 60) / 8).tolist())
    for patience, (cooldown, floor) in enumerate(2 * [(0.5, 0.1), (0, 0.0), (3, 0.02)])
  ]
  answer = subprocess.run(
    [sys.executable, '-c', _PYTORCH],
    input=json.dumps(cases),
    capture_output=True,
    text=True,
    check=True,
  )
  for case, wanted in zip(cases, json.loads(answer.stdout), strict=True):
    patience, cooldown, floor, values = case
    config = _config(
      learning_rate=1.0,
      plateau='loss',
      plateau_patience=patience,
      plateau_factor=0.5,
      plateau_cooldown=math.ceil(cooldown),
      plateau_floor=floor,
    )
    plateau = optimizers.make_plateau(config)
    state, found = plateau.init({'w': jnp.zeros(1)}), []
    for value in values:
      _, state = plateau.update({}, state, value=jnp.float32(value))
      found.append(float(state.scale))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_why_the_error_is_monitored(loose_dtypes):
  """With a negative value, such as an accuracy's, optax treats a tie as better."""
  config = _config(plateau='accuracy', plateau_patience=1, plateau_factor=0.1)
  assert _scales(config, [-0.5] * 9) == [1] * 9


@pytest.mark.parametrize(
  ('changes', 'make', 'message'),
  [
    (
      {'schedule': 'linear'},
      lambda config: _rates(config, [0]),
      r"schedule is 'linear'; give 'constant', 'cosine' or 'steps'",
    ),
    (
      {'name': 'lars'},
      lambda config: optimizers.make_optimizer(config, lambda step: 0.1),
      r"name is 'lars'; give 'sgd', 'adam' or 'adamw'",
    ),
    (
      {'plateau': 'mAP'},
      optimizers.make_plateau,
      r"plateau is 'mAP'; give '' \(off\), 'accuracy', 'loss' or 't",
    ),
  ],
)
def test_unknown_names(changes, make, message):
  with pytest.raises(ValueError, match=message):
    make(_config(**changes))
