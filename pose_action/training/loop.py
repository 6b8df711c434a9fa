"""The training loop: next batch → step → log → evaluate → save, in this order.

The order must not change: the checkpoint of step s holds the evaluation made at step s,
and an iterator that has yielded s batches. This makes a resumed run exact.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any, NoReturn

import grain
import jax

from pose_action.host.garbage import search_paused
from pose_action.runtime import sharding
from pose_action.runtime.stop_signals import StopSignals, stopped_at
from pose_action.training import periodic_evaluation as validation
from pose_action.training.left_open import LeftOpen
from pose_action.training.predict_split import PredictionStopped
from pose_action.training.progress import TrainingProgress
from pose_action.training.run import TrainingRun
from pose_action.training.step import TrainingDiverged, TrainState
from pose_action.training.step_metrics import NEVER, TrainMetrics

_NOTHING = contextlib.nullcontext()


class TrainingStopped(KeyboardInterrupt):
  """Ctrl-C or SIGTERM stopped a run whose state is saved."""

  def __init__(self, step: int, signal: int):
    super().__init__(stopped_at(step))
    self.exit_status = 128 + signal


def train(
  run: TrainingRun,
  state: TrainState,
  iterator: grain.DatasetIterator,
  left_open: LeftOpen | None = None,
  *,
  stop: StopSignals,
) -> TrainState:
  """Trains from the state's step to the last step, and saves checkpoints.

  Args:
    left_open: what a stop left open at the state's step.
    stop: polled after each step and each batch of an evaluation.

  Raises:
    TrainingDiverged: if a loss, a gradient or a validation score is not finite; nothing
      is saved after that step.
    TrainingStopped: after Ctrl-C or SIGTERM.
  """
  loop = _Loop(run, iterator, stop, first=int(state.step) + 1)
  if left_open is not None:
    state = loop.close(state, left_open)
  for step in range(loop.first, loop.last + 1):
    state = loop.advance(state, step)
  run.checkpoints.wait()
  return state


class _Loop:
  """The work of one step, with what is carried from step to step besides the state."""

  def __init__(
    self,
    run: TrainingRun,
    iterator: grain.DatasetIterator,
    stop: StopSignals,
    *,
    first: int,
  ):
    self.first, self.last = first, run.program.total_steps
    self._run = run
    self._iterator = iterator
    self._stop = stop
    self._metrics = run.program.empty_metrics()
    self._progress = TrainingProgress(
      self.last,
      first - 1,
      run.program.steps_per_epoch,
      clips_per_step=run.program.batch_size,
      report=run.report,
    )

  def close(self, state: TrainState, left_open: LeftOpen) -> TrainState:
    """Does what a stop left open, and replaces the checkpoint of the stop if needed."""
    run, step = self._run, self.first - 1
    if not left_open.evaluation:
      self._metrics = left_open.restored_metrics(run.program)
      return state
    try:
      with self._stop.leaving(step), self._progress.evaluating():
        state, figure = validation.validate(run, state, step, self._stop.poll)
    except PredictionStopped:
      self._raise_stopped(step)
    run.checkpoints.replace(step, state, self._iterator, run.description, figure)
    run.checkpoints.wait()  # The first step may end the process, see `StopSignals`.
    return state

  def advance(self, state: TrainState, step: int) -> TrainState:
    run, program, train = self._run, self._run.program, self._run.config.train
    with self._progress.waiting_for_data(self._computing):
      batch = sharding.global_batch(next(self._iterator), program.mesh)
    first = self._starting() if step == self.first else _NOTHING
    # An accidental host-to-device transfer here would repeat every step.
    guard = jax.transfer_guard_host_to_device('disallow')
    with first, self._progress.stepping(), guard:
      state, self._metrics = program.step_function(step)(state, self._metrics, batch)

    evaluates = _due(step, program.steps_per_evaluation, self.last)
    saves = evaluates or _due(step, train.checkpoint_every_steps, self.last)
    if saves or _due(step, train.log_every_steps, self.last):
      _log(run, step, self._metrics, self._progress)
      self._metrics = program.empty_metrics()
    figure = None
    if evaluates:
      state, figure = self._evaluated(state, step, batch)
    if saves:
      run.checkpoints.save(step, state, self._iterator, run.description, figure)
    if self._stop.poll():
      if not saves:
        self._save_stop(step, state, evaluation=False)
      self._raise_stopped(step)
    return state

  def _computing(self) -> bool:
    """Whether the step before, which the metrics are a result of, still runs."""
    return not all(value.is_ready() for value in jax.tree.leaves(self._metrics))

  @contextlib.contextmanager
  def _starting(self):
    """Around the first step, which is traced and compiled: little to save or search."""
    with self._stop.leaving(self.first - 1), search_paused():
      yield

  def _evaluated(
    self, state: TrainState, step: int, batch: Any
  ) -> tuple[TrainState, float | None]:
    run = self._run
    with self._progress.evaluating():
      if validation.is_drawn(run.program, step):
        validation.write_pictures(run, state, step, batch)
      if run.data.validation is None:
        return state, None
      try:
        return validation.validate(run, state, step, self._stop.poll)
      except PredictionStopped:
        self._save_stop(step, state, evaluation=True)
        self._raise_stopped(step)

  def _save_stop(self, step: int, state: TrainState, *, evaluation: bool):
    run, left_open = self._run, LeftOpen.at(self._metrics, evaluation=evaluation)
    run.checkpoints.save(
      step, state, self._iterator, run.description, None, left_open.to_dict()
    )

  def _raise_stopped(self, step: int) -> NoReturn:
    self._run.checkpoints.wait()
    raise TrainingStopped(step, self._stop.poll())


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
