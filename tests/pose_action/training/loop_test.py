"""The loop's order of operations, on stand-ins that record calls; and divergence."""

import time
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.shared import base
from pose_action.runtime.stop_signals import StopSignals
from pose_action.training import loop as train
from pose_action.training import periodic_evaluation as validation
from pose_action.training.step import TrainingDiverged
from pose_action.training.step_metrics import TrainMetrics


def _metrics_of(step, loss, gradient_norm):
  return TrainMetrics.single_from_model_output(
    loss=jnp.full(1, loss),
    logits=jnp.zeros((1, 2)),
    labels=jnp.zeros(1, jnp.int32),
    mask=jnp.ones(1),
    learning_rate=jnp.float32(0.25),
    gradient_norm=jnp.float32(gradient_norm),
    step=jnp.int32(step),
  )


class Stage:
  """A run of stand-ins: the state is its step, a batch is its number."""

  def __init__(self, monkeypatch, one_device, *, figures=None, **train_fields):
    self.events = []
    self.figures = figures or {}  # For steps whose loss or gradient is not finite.
    self.saved = {}
    config = base.base_config()
    config.train.update({'log_every_steps': 0} | train_fields)
    self.run = types.SimpleNamespace(
      config=config,
      data=types.SimpleNamespace(validation='clips'),
      program=types.SimpleNamespace(
        mesh=one_device,
        total_steps=6,
        batch_size=8,
        steps_per_epoch=3,
        steps_per_evaluation=3,
        empty_metrics=TrainMetrics.empty,
        step_function=lambda step: self._step,
      ),
      checkpoints=types.SimpleNamespace(
        save=self._save, wait=lambda: self.events.append('wait'), latest_step=None
      ),
      writer=types.SimpleNamespace(write_scalars=self._log),
      description={'config': {}},
      report=lambda line: None,
    )
    monkeypatch.setattr(validation, 'validate', self._validate)
    monkeypatch.setattr(validation, 'write_pictures', lambda *args: None)

  def train(self, first_step=0, seconds_per_batch=0.0):
    def batches():
      for number in range(99):
        time.sleep(seconds_per_batch)
        yield {'index': np.array([number], np.int32)}

    state = types.SimpleNamespace(step=first_step)
    return train.train(self.run, state, batches(), stop=StopSignals())

  def _step(self, state, metrics, batch):
    step = state.step + 1
    self.events.append(f'step {step} of batch {int(batch["index"][0])}')
    figures = {'loss': float(step), 'gradient_norm': 1.0} | self.figures.get(step, {})
    with jax.transfer_guard('allow'):  # A compiled step does not need this.
      metrics = metrics.merge(_metrics_of(state.step, **figures))
    return types.SimpleNamespace(step=step), metrics

  def _log(self, step, scalars):
    self.events.append(f'log {step}: loss {scalars["train/loss"]:g}')

  def _validate(self, run, state, step, poll):
    self.events.append(f'evaluate {step}')
    return state, step / 10

  def _save(self, step, state, iterator, description, figure, left_open=None):
    self.events.append(f'save {step} at {figure}')
    self.run.checkpoints.latest_step = step


def test_the_order_of_a_run(monkeypatch, one_device):
  stage = Stage(monkeypatch, one_device, log_every_steps=2, checkpoint_every_steps=5)
  stage.train()
  assert (
    stage.events
    == [
      'step 1 of batch 0',
      'step 2 of batch 1',
      'log 2: loss 1.5',
      'step 3 of batch 2',
      'log 3: loss 3',  # A save starts a new mean: a resumed run could not continue the old one.
      'evaluate 3',
      'save 3 at 0.3',
      'step 4 of batch 3',
      'log 4: loss 4',
      'step 5 of batch 4',
      'log 5: loss 5',
      'save 5 at None',
      'step 6 of batch 5',
      'log 6: loss 6',
      'evaluate 6',
      'save 6 at 0.6',
      'wait',
    ]
  )


def test_a_resumed_run_does_what_is_left(monkeypatch, one_device):
  stage = Stage(monkeypatch, one_device)
  stage.train(first_step=5)
  assert stage.events == [
    'step 6 of batch 0',
    'log 6: loss 6',
    'evaluate 6',
    'save 6 at 0.6',
    'wait',
  ]
  stage.events.clear()
  stage.train(first_step=6)
  assert stage.events == ['wait']


def test_without_held_out_clips_nothing_is_evaluated(monkeypatch, one_device):
  stage = Stage(monkeypatch, one_device)
  stage.run.data.validation = None
  stage.train()
  assert [event for event in stage.events if 'save' in event] == [
    'save 3 at None',
    'save 6 at None',
  ]
  assert not any('evaluate' in event for event in stage.events)


@pytest.mark.parametrize(
  ('figures', 'message', 'saved'),
  [
    (
      {2: {'loss': np.nan}, 3: {'loss': np.nan}},
      r'the loss of step 2 is not finite \(learning rate 0\.25\)\. Lower .* set'
      r' config\.optimizer\.clip_norm, .* new workdir; no checkpoint is saved$',
      [],
    ),
    (
      {5: {'loss': np.inf}},
      r'the loss of step 5 is not finite .*the last checkpoint is from step 3$',
      ['save 3 at 0.3'],
    ),
    # The loss before the update was finite, but the new parameters are not.
    (
      {6: {'gradient_norm': np.nan}},
      r'the gradient of step 6 is not finite .*is from step 3$',
      ['save 3 at 0.3'],
    ),
    (
      {4: {'gradient_norm': np.inf}, 5: {'loss': np.nan}},
      r'the loss of step 5 is not finite',
      ['save 3 at 0.3'],
    ),
  ],
)
def test_divergence_stops_the_run(monkeypatch, one_device, figures, message, saved):
  stage = Stage(monkeypatch, one_device, figures=figures)
  with pytest.raises(TrainingDiverged, match=message):
    stage.train()
  assert [event for event in stage.events if 'save' in event] == saved


def test_nothing_crosses_to_the_device_in_a_step(monkeypatch, one_device):
  stage = Stage(monkeypatch, one_device)
  stage.run.program.step_function = lambda step: (
    lambda *args: jnp.zeros(1) + np.ones(1, np.float32)
  )
  with pytest.raises(Exception, match='Disallowed host-to-device transfer'):
    stage.train()


class Unread:
  """An array, state or metrics that a step has not finished: reading it would wait."""

  def __init__(self, **fields):
    vars(self).update(fields)

  def _wait(self, *_):
    raise AssertionError('the loop waited for a step')

  def is_ready(self):
    return False

  __array__ = __bool__ = __float__ = __index__ = __int__ = block_until_ready = _wait


def test_the_host_goes_on_while_the_devices_compute(monkeypatch, one_device):
  """Between two logs the loop reads nothing that a step returns.

  So the next batch is read and put on the devices while a step runs.
  """
  stage = Stage(monkeypatch, one_device)
  figures = _metrics_of(0, 1.0, 1.0).compute()

  def computed():
    stage.events.append('wait for the metrics')
    return figures

  def one_step(state, metrics, batch):
    assert isinstance(batch['index'], jax.Array)
    stage.events.append(f'step on batch {int(batch["index"][0])}')
    return Unread(step=Unread()), Unread(compute=computed)

  stage.run.program.step_function = lambda step: one_step
  stage.train()
  steps = [event for event in stage.events if event.startswith(('step', 'wait for'))]
  first = [f'step on batch {n}' for n in range(3)]
  second = [f'step on batch {n}' for n in range(3, 6)]
  assert steps == [*first, 'wait for the metrics', *second, 'wait for the metrics']


@pytest.mark.parametrize('computing', [True, False])
def test_reading_beside_a_step_is_not_a_wait(monkeypatch, one_device, computing):
  stage = Stage(monkeypatch, one_device)
  figures = _metrics_of(0, 1.0, 1.0).compute()
  metrics = types.SimpleNamespace(
    compute=lambda: figures, is_ready=lambda: not computing
  )
  stage.run.program.step_function = lambda step: lambda state, *_: (state, metrics)
  shares = []
  stage.run.writer.write_scalars = lambda step, scalars: shares.append(
    scalars['train/data_share']
  )
  stage.train(seconds_per_batch=0.02)
  # The first step of each log has no step before it, so the device does wait for it.
  assert len(shares) == 2
  assert all(share < 0.7 if computing else share > 0.9 for share in shares)
