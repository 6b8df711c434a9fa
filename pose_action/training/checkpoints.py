"""Saves checkpoints and restores all that they hold; see `saved_checkpoints`.

The latest two are kept, and the best on validation.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import shutil
import sys
import uuid
from typing import Any

import grain
import jax
import orbax.checkpoint as ocp
from grain.checkpoint import CheckpointSave
from orbax.checkpoint.checkpoint_managers import (
  AnyPreservationPolicy,
  BestN,
  LatestN,
)

from input_pipeline.errors import shortened
from pose_action.runtime import sharding
from pose_action.training import checkpoint_bounds, checkpoint_digests
from pose_action.training.checkpoint_digests import (
  METRIC,
  CheckpointError,
  DamagedCheckpointError,
)
from pose_action.training.saved_checkpoints import (
  check_arrays,
  is_no_chatter,
  metric,
  restored_state,
  run_description,
  say_unverified,
  step_folders,
)
from pose_action.training.step import TrainState

_TRASH = 'trash'
_DAMAGED = 'damaged'
_ELSEWHERE = '{} is damaged: another process says how'


class Checkpoints:
  """The checkpoints of a run that may still save more.

  Args:
    workdir: the run's folder; checkpoints are stored in its folder `checkpoints`.
  """

  def __init__(self, workdir: str | pathlib.Path):
    self._folder = pathlib.Path(workdir).absolute() / 'checkpoints'
    self._restored: tuple[int, TrainState] | None = None
    logging.getLogger('absl').addFilter(is_no_chatter)
    self._set_damaged_aside()
    self._empty_trash()
    handlers: dict[str, Any] = {
      'state': ocp.StandardCheckpointHandler(),
      'data': grain.checkpoint.CheckpointHandler(),
      'run': ocp.JsonCheckpointHandler(),
      'digests': ocp.JsonCheckpointHandler(),
      'left_open': ocp.JsonCheckpointHandler(),
    }
    self._manager = ocp.CheckpointManager(
      self._folder,
      options=ocp.CheckpointManagerOptions(
        best_fn=metric,
        best_mode='max',
        preservation_policy=AnyPreservationPolicy(
          [
            LatestN(2),
            BestN(get_metric_fn=metric, n=1, keep_checkpoints_without_metrics=False),
          ]
        ),
        # A kill during a deletion must not leave half a checkpoint under its own name:
        # Orbax moves a checkpoint to this folder instead, and we delete it there.
        todelete_subdir=_TRASH,
        cleanup_tmp_directories=True,
      ),
      item_handlers=handlers,
    )

  @property
  def latest_step(self) -> int | None:
    return self._manager.latest_step()

  @property
  def best_step(self) -> int | None:
    """The step with the highest validation figure, the latest on a tie, or None.

    The policy that keeps the best checkpoint breaks ties the same way.
    """
    return self._manager.best_step()

  def save(
    self,
    step: int,
    state: TrainState,
    iterator: grain.DatasetIterator | None,
    run: dict[str, Any],
    validation: float | None,
    left_open: dict[str, Any] | None = None,
  ):
    """Saves in the background.

    Args:
      iterator: the data iterator; None for imported weights, whose training cannot be
        resumed.
      run: the description of the run, see `resume.describe_run`.
      validation: the figure by which the best checkpoint is chosen, if known.
      left_open: what a stop left open at this step, see `LeftOpen`.
    """
    self._empty_trash()
    more: dict[str, Any] = {}
    if iterator is not None:
      more['data'] = CheckpointSave(iterator)
    if left_open is not None:
      more['left_open'] = ocp.args.JsonSave(left_open)
    metrics = None if validation is None else {METRIC: validation}
    position = None if iterator is None else iterator.get_state()
    digests = checkpoint_digests.make_digests(
      state, iterator=position, run=run, metrics=metrics, left_open=left_open
    )
    self._manager.save(
      step,
      args=ocp.args.Composite(
        state=ocp.args.StandardSave(_stored(state)),
        run=ocp.args.JsonSave(run),
        digests=ocp.args.JsonSave(digests),
        **more,
      ),
      metrics=metrics,
    )

  def replace(self, step: int, *parts: Any):
    """Saves a step again, with the arguments of `save`.

    A kill between the deletion and the end of the save loses the step, so that a resumed
    run starts from the checkpoint before it.
    """
    self._manager.wait_until_finished()
    self._manager.delete(step)
    self.save(step, *parts)

  def left_open(self, step: int) -> dict[str, Any] | None:
    """What a stop left open at a step, as it was saved."""
    return checkpoint_digests.read_left_open(self._folder / str(step))

  def set_unreadable_aside(self, shapes: TrainState):
    """Moves the newest checkpoints away if Orbax cannot restore them; says so.

    Opening compares arrays with their digests. This finds damage to what only Orbax
    reads: its lists of the arrays, and of the devices that they were on.

    Args:
      shapes: see `restore_state`, which returns the state that is restored here.

    Raises:
      CheckpointError: if no checkpoint can be restored, or the newest holds other arrays.
    """
    unreadable: dict[pathlib.Path, str] = {}
    for folder in step_folders(self._folder):
      reason = ''
      try:
        self._restored = int(folder.name), self._restore(int(folder.name), shapes)
      except DamagedCheckpointError as error:
        reason = str(error)
      if not sharding.largest_of_all([bool(reason)])[0]:
        self._move_aside(unreadable, folder)
        break
      unreadable[folder] = reason or _ELSEWHERE.format(folder)
    else:
      self._move_aside(unreadable, None)
    if unreadable:
      self._manager.reload()

  def restore_state(self, step: int, shapes: TrainState) -> TrainState:
    """The state saved at a step.

    Args:
      shapes: the state's shapes, dtypes and shardings.

    Raises:
      CheckpointError: if the checkpoint holds other arrays, or is damaged.
    """
    restored, self._restored = self._restored, None
    if restored is not None and restored[0] == step:
      return restored[1]
    return self._restore(step, shapes)

  def _restore(self, step: int, shapes: TrainState) -> TrainState:
    folder = self._folder / str(step)
    check_arrays(self._manager, step, shapes, whole=True)
    restore = ocp.args.StandardRestore(_stored(shapes))
    state = TrainState(**restored_state(self._manager, step, restore))
    checkpoint_digests.check_restored(folder, state)
    wanted = checkpoint_digests.named(shapes)
    for name, leaf in checkpoint_digests.named(state).items():
      if leaf.dtype != wanted[name].dtype:  # A random key may become its numbers.
        reason = f'array {name} is restored as {leaf.dtype}'
        raise DamagedCheckpointError(folder, reason)
    return state

  def restore_iterator(self, step: int, iterator: grain.DatasetIterator):
    """Sets the iterator to its position when the step was saved.

    Raises:
      ValueError: if the step was saved without an iterator.
      CheckpointError: if the position is not one of such an iterator.
    """
    self._manager.wait_until_finished()
    position = checkpoint_digests.read_iterator(self._folder / str(step))
    if position is None:
      raise ValueError(
        f'the weights in {self._folder} were imported, so there is no training to'
        ' resume; evaluate them (--mode=evaluate), or train in a new --workdir'
      )
    try:
      iterator.set_state(position)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
      folder = self._folder / str(step)
      reason = f'its iterator has another form ({shortened(str(position))})'
      raise DamagedCheckpointError(folder, reason) from error

  def run_description(self, step: int) -> dict[str, Any]:
    """The run's config, class names and skeleton, as saved with the state.

    Raises:
      CheckpointError: if one of them is missing.
    """
    return run_description(self._manager, step)

  def wait(self):
    """Blocks until all saves are on disk; raises the error of a save that failed."""
    self._manager.wait_until_finished()
    self._empty_trash()

  def close(self):
    """Waits for the saves, same as `wait`, and ends Orbax's threads."""
    self._manager.close()
    self._empty_trash()

  def _set_damaged_aside(self):
    """Moves damaged checkpoints away if an older one is whole; says so.

    Reads the newest checkpoint from end to end, and of the others, which may be chosen
    as the best, the figure.

    Raises:
      CheckpointError: if no checkpoint is whole.
    """
    damaged: dict[pathlib.Path, str] = {}
    newest = None
    for folder in step_folders(self._folder):
      reason = self._damage(folder, entirely=newest is None)
      # Processes may see different errors; a checkpoint is whole if all can read it.
      if sharding.largest_of_all([bool(reason)])[0]:
        damaged[folder] = reason or _ELSEWHERE.format(folder)
      elif newest is None:
        newest = folder
    self._move_aside(damaged, newest)

  def _move_aside(self, damaged: dict[pathlib.Path, str], newest: pathlib.Path | None):
    """Moves damaged checkpoints away, and says why.

    Args:
      damaged: the reasons by folder.
      newest: the newest whole checkpoint.

    Raises:
      CheckpointError: if there is none.
    """
    if not damaged:
      return
    if newest is None:
      raise CheckpointError(
        f'no checkpoint in {self._folder} is whole: {"; ".join(damaged.values())}.'
        ' Restore the folder from a copy, or train in a new --workdir'
      )
    if jax.process_index() == 0:
      for folder, reason in damaged.items():
        place = self._folder / _DAMAGED / f'{folder.name}.{uuid.uuid4().hex[:8]}'
        place.parent.mkdir(exist_ok=True)
        folder.rename(place)
        print(
          f'warning: {reason}; it is moved to {place}, and step {newest.name} is the'
          ' newest whole checkpoint',
          file=sys.stderr,
        )
    sharding.wait_for_all('damaged checkpoints')

  def _damage(self, folder: pathlib.Path, *, entirely: bool) -> str:
    try:
      checkpoint_bounds.check_files(folder)
      has_digests = checkpoint_digests.check_parts(folder)
      if entirely:
        checkpoint_digests.check_arrays(folder)
    except DamagedCheckpointError as error:
      return str(error)
    if entirely and not has_digests:
      say_unverified(folder)
    return ''

  def _empty_trash(self):
    """Deletes the checkpoints that Orbax moved there, one by one: more may arrive."""
    trash = self._folder / _TRASH
    if jax.process_index() == 0 and trash.exists():
      for step in trash.iterdir():
        shutil.rmtree(pathlib.Path(step))


def _stored(state: TrainState) -> dict[str, Any]:
  """The state by field. Orbax lists a None, so a field without arrays is left out."""
  fields = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
  return {name: field for name, field in fields.items() if field is not None}
