"""The training loop: next batch → step → log → evaluate → save, in this order.

The order must not change: the checkpoint of step s holds the evaluation made at step s,
and an iterator that has yielded s batches. This makes a resumed run exact.
"""

from __future__ import annotations

import math

import grain
import jax

from pose_action.runtime import sharding
from pose_action.training import periodic_evaluation as validation
from pose_action.training.progress import TrainingProgress
from pose_action.training.run import TrainingRun
from pose_action.training.step import TrainingDiverged, TrainState
from pose_action.training.step_metrics import NEVER, TrainMetrics


def train(
  run: TrainingRun, state: TrainState, iterator: grain.DatasetIterator
) -> TrainState:
  """Trains from the state's step to the last step, and saves checkpoints.

  Raises:
    TrainingDiverged: if a loss, a gradient or a validation score is not finite; nothing
      is saved after that step.
  """
  program, config = run.program, run.config
  first, last = int(state.step) + 1, program.total_steps
  progress = TrainingProgress(
    last,
    first - 1,
    program.steps_per_epoch,
    clips_per_step=config.train.batch_size,
    report=run.report,
  )
  metrics = program.empty_metrics()
  for step in range(first, last + 1):
    with progress.waiting_for_data():
      batch = sharding.global_batch(next(iterator), program.mesh)
    # An accidental host-to-device transfer here would repeat every step.
    with progress.stepping(), jax.transfer_guard_host_to_device('disallow'):
      state, metrics = program.train_step(state, metrics, batch)

    evaluates = _due(step, program.steps_per_evaluation, last)
    saves = evaluates or _due(step, config.train.checkpoint_every_steps, last)
    if saves or _due(step, config.train.log_every_steps, last):
      _log(run, step, metrics, progress)
      metrics = program.empty_metrics()
    figure = None
    if evaluates:
      with progress.evaluating():
        validation.write_pictures(run, state, step, batch)
        if run.data.validation is not None:
          state, figure = validation.validate(run, state, step)
    if saves:
      run.checkpoints.save(step, state, iterator, run.description, figure)
  run.checkpoints.wait()
  return state


def _due(step: int, every: int, last: int) -> bool:
  return step == last or (every > 0 and step % every == 0)


def _log(
  run: TrainingRun, step: int, metrics: TrainMetrics, progress: TrainingProgress
):
  """Writes and prints the metrics since the last log; raises if they are not finite."""
  values = {name: float(value) for name, value in metrics.compute().items()}
  broken = int(values.pop('first_nonfinite_step'))
  if broken != NEVER:
    raise TrainingDiverged(_divergence(run, f'the loss of step {broken + 1}', values))
  if not math.isfinite(values['gradient_norm']):
    # At an earlier step it would have made the later losses non-finite too.
    raise TrainingDiverged(_divergence(run, f'the gradient of step {step}', values))
  progress.log(step, {name: values[name] for name in ('loss', 'accuracy')})
  pace = progress.pace()
  if pace:
    values['clips_per_second'] = pace.clips_per_second
    values['data_share'] = pace.data_share
  run.writer.write_scalars(step, {f'train/{name}': v for name, v in values.items()})


def _divergence(run: TrainingRun, what: str, values: dict[str, float]) -> str:
  latest = run.checkpoints.latest_step
  return (
    f'{what} is not finite (learning rate {values["learning_rate"]:.3g}). Lower'
    ' config.optimizer.learning_rate or set config.optimizer.clip_norm, and start in a'
    ' new workdir; '
    + (
      f'the last checkpoint is from step {latest}'
      if latest
      else 'no checkpoint is saved'
    )
  )
