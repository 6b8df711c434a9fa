"""Checkpoints: the only code that knows of Orbax.

A checkpoint holds the train state, the data iterator, and a description of the run
(config, class names, skeleton) that makes it usable alone. The latest two and the best
on validation are kept.
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

from pose_action.training.step import TrainState

_METRIC = 'validation'


class Checkpoints:
  """The checkpoints of one workdir.

  Args:
    workdir: of the run; checkpoints lie in its folder `checkpoints`.
  """

  def __init__(self, workdir: str | pathlib.Path):
    self._folder = pathlib.Path(workdir).absolute() / 'checkpoints'
    logging.getLogger('absl').addFilter(_is_no_chatter)
    self._empty_trash()
    handlers: dict[str, Any] = {
      'state': ocp.StandardCheckpointHandler(),
      'data': grain.checkpoint.CheckpointHandler(),
      'run': ocp.JsonCheckpointHandler(),
    }
    self._manager = ocp.CheckpointManager(
      self._folder,
      options=ocp.CheckpointManagerOptions(
        best_fn=_metric,
        best_mode='max',
        preservation_policy=AnyPreservationPolicy(
          [
            LatestN(2),
            BestN(get_metric_fn=_metric, n=1, keep_checkpoints_without_metrics=False),
          ]
        ),
        # A kill during a deletion must not leave half a checkpoint under its own name:
        # Orbax moves what is to be deleted, and leaves the deletion to us.
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
    """The step of the highest validation figure, of equals the latest.

    None before the first. The policy that keeps the best decides alike.
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
    """Saves in the background; `validation` is what the best is chosen by, if known.

    Without an iterator, as for imported weights, training cannot go on from it.
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
      metrics=None if validation is None else {_METRIC: validation},
    )

  def restore_state(self, step: int, shapes: TrainState) -> TrainState:
    """The state of a step; `shapes` carries shapes, dtypes and shardings."""
    restored = self._manager.restore(
      step, args=ocp.args.Composite(state=ocp.args.StandardRestore(shapes))
    )
    return restored['state']

  def restore_iterator(self, step: int, iterator: grain.DatasetIterator):
    """Puts the iterator where it stood when the step was saved.

    Raises:
      ValueError: where the step was saved without one.
    """
    try:
      self._manager.restore(
        step, args=ocp.args.Composite(data=CheckpointRestore(iterator))
      )
    except KeyError as error:  # Orbax's, of an item that the step does not have.
      raise ValueError(
        f'the weights in {self._folder} were imported, so there is no training to go on'
        ' with; evaluate them (--mode=evaluate), or train in a new --workdir'
      ) from error

  def run_description(self, step: int) -> dict[str, Any]:
    """What was saved beside the state: config, class names, skeleton."""
    restored = self._manager.restore(
      step, args=ocp.args.Composite(run=ocp.args.JsonRestore())
    )
    return restored['run']

  def wait(self):
    """Returns once all saves are on disk; raises what one of them raised."""
    self._manager.wait_until_finished()
    self._empty_trash()

  def close(self):
    """Waits for the saves, as `wait` does, and ends Orbax's threads."""
    self._manager.close()
    self._empty_trash()

  def _empty_trash(self):
    """Deletes what Orbax moved there; one by one, as more may come meanwhile."""
    trash = self._folder / _TRASH
    if jax.process_index() == 0 and trash.exists():
      for step in trash.iterdir():
        shutil.rmtree(pathlib.Path(step))


class SavedCheckpoints:
  """The checkpoints of a workdir, to be read alone: a run may be writing others there.

  Args:
    workdir: of the run.

  Raises:
    FileNotFoundError: where no checkpoint is there.
  """

  def __init__(self, workdir: str | pathlib.Path):
    folder = pathlib.Path(workdir).expanduser().absolute()
    logging.getLogger('absl').addFilter(_is_no_chatter)
    if not (folder / 'checkpoints').is_dir():
      raise FileNotFoundError(
        f'there is no checkpoint in {folder}; give the --workdir of a run that has'
        ' trained, or that weights were imported to'
      )
    handlers: dict[str, Any] = {
      'state': ocp.PyTreeCheckpointHandler(),
      'data': grain.checkpoint.CheckpointHandler(),
      'run': ocp.JsonCheckpointHandler(),
    }
    self._manager = ocp.CheckpointManager(
      folder / 'checkpoints',
      options=ocp.CheckpointManagerOptions(
        best_fn=_metric, best_mode='max', read_only=True
      ),
      item_handlers=handlers,
    )
    step = self._manager.latest_step()
    if step is None:
      raise FileNotFoundError(f'no checkpoint in {folder} is complete yet')
    self.latest_step: int = step

  @property
  def best_step(self) -> int | None:
    """As of `Checkpoints`."""
    return self._manager.best_step()

  def run_description(self, step: int) -> dict[str, Any]:
    """What was saved beside the state: config, class names, skeleton."""
    restored = self._manager.restore(
      step, args=ocp.args.Composite(run=ocp.args.JsonRestore())
    )
    return restored['run']

  def restore_variables(self, step: int, shapes: dict[str, Any]) -> dict[str, Any]:
    """Parameters and BatchNorm statistics alone, for any number of devices.

    Args:
      shapes: of the model's variables, a ShapeDtypeStruct with its sharding a leaf.
    """
    collections = {name: shapes[name] for name in shapes if name != 'params'}
    wanted = {'params': shapes['params'], 'collections': collections}
    restore = ocp.args.PyTreeRestore(
      item=wanted,
      restore_args=ocp.checkpoint_utils.construct_restore_args(wanted),
      partial_restore=True,
    )
    restored = self._manager.restore(step, args=ocp.args.Composite(state=restore))
    return {'params': restored['state']['params'], **restored['state']['collections']}

  def close(self):
    """Ends Orbax's threads."""
    self._manager.close()


_TRASH = 'trash'


def _metric(metrics: dict[str, float]) -> float:
  return metrics[_METRIC]


def _is_no_chatter(record: logging.LogRecord) -> bool:
  """Orbax logs every phase of every save; its errors still come through."""
  return record.levelno > logging.WARNING or 'orbax' not in record.pathname
