"""Saves checkpoints and restores all that they hold; see `saved_checkpoints`.

The latest two are kept, and the best on validation.
"""

from __future__ import annotations

import logging
import pathlib
import shutil
from typing import Any

import grain
import jax
import orbax.checkpoint as ocp
from grain.checkpoint import CheckpointRestore, CheckpointSave
from orbax.checkpoint.checkpoint_managers import (
  AnyPreservationPolicy,
  BestN,
  LatestN,
)

from pose_action.training.saved_checkpoints import (
  METRIC,
  check_arrays,
  is_no_chatter,
  metric,
  run_description,
)
from pose_action.training.step import TrainState

_TRASH = 'trash'


class Checkpoints:
  """The checkpoints of a run that may still save more.

  Args:
    workdir: the run's folder; checkpoints are stored in its folder `checkpoints`.
  """

  def __init__(self, workdir: str | pathlib.Path):
    self._folder = pathlib.Path(workdir).absolute() / 'checkpoints'
    logging.getLogger('absl').addFilter(is_no_chatter)
    self._empty_trash()
    handlers: dict[str, Any] = {
      'state': ocp.StandardCheckpointHandler(),
      'data': grain.checkpoint.CheckpointHandler(),
      'run': ocp.JsonCheckpointHandler(),
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
  ):
    """Saves in the background.

    Args:
      iterator: the data iterator; None for imported weights, whose training cannot be
        resumed.
      run: the description of the run, see `resume.describe_run`.
      validation: the figure by which the best checkpoint is chosen, if known.
    """
    self._empty_trash()
    data = {} if iterator is None else {'data': CheckpointSave(iterator)}
    self._manager.save(
      step,
      args=ocp.args.Composite(
        state=ocp.args.StandardSave(state),
        run=ocp.args.JsonSave(run),
        **data,
      ),
      metrics=None if validation is None else {METRIC: validation},
    )

  def restore_state(self, step: int, shapes: TrainState) -> TrainState:
    """The state saved at a step.

    Args:
      shapes: the state's shapes, dtypes and shardings.

    Raises:
      CheckpointError: if the checkpoint holds other arrays.
    """
    check_arrays(self._manager, step, shapes, whole=True)
    restored = self._manager.restore(
      step, args=ocp.args.Composite(state=ocp.args.StandardRestore(shapes))
    )
    return restored['state']

  def restore_iterator(self, step: int, iterator: grain.DatasetIterator):
    """Sets the iterator to its position when the step was saved.

    Raises:
      ValueError: if the step was saved without an iterator.
    """
    try:
      self._manager.restore(
        step, args=ocp.args.Composite(data=CheckpointRestore(iterator))
      )
    except KeyError as error:  # Orbax raises it for an item that was not saved.
      raise ValueError(
        f'the weights in {self._folder} were imported, so there is no training to'
        ' resume; evaluate them (--mode=evaluate), or train in a new --workdir'
      ) from error

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

  def _empty_trash(self):
    """Deletes the checkpoints that Orbax moved there, one by one: more may arrive."""
    trash = self._folder / _TRASH
    if jax.process_index() == 0 and trash.exists():
      for step in trash.iterdir():
        shutil.rmtree(pathlib.Path(step))
