"""Saves and restores checkpoints; the only file that imports Orbax.

A checkpoint holds the train state, the data iterator, and a description of the run
(config, class names, skeleton), so that a model can be rebuilt from the checkpoint alone.
The latest two are kept, and the best on validation.
"""

from __future__ import annotations

import logging
import pathlib
import shutil
from typing import Any

import grain
import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from grain.checkpoint import CheckpointRestore, CheckpointSave
from orbax.checkpoint.checkpoint_managers import (
  AnyPreservationPolicy,
  BestN,
  LatestN,
)

from pose_action.training.step import TrainState

_METRIC = 'validation'
_TRASH = 'trash'
_DESCRIBED = ('config', 'class_names', 'skeleton')
_SHOWN = 3


class CheckpointError(ValueError):
  """A checkpoint does not hold what this version of the library reads from it."""


class Checkpoints:
  """The checkpoints of a run that may still save more.

  Args:
    workdir: the run's folder; checkpoints are stored in its folder `checkpoints`.
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
      metrics=None if validation is None else {_METRIC: validation},
    )

  def restore_state(self, step: int, shapes: TrainState) -> TrainState:
    """The state saved at a step.

    Args:
      shapes: the state's shapes, dtypes and shardings.

    Raises:
      CheckpointError: if the checkpoint holds other arrays.
    """
    _check_arrays(self._manager, step, shapes, whole=True)
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
    return _run_description(self._manager, step)

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


class SavedCheckpoints:
  """The checkpoints of a workdir, read-only: a run may be saving more there.

  Args:
    workdir: the run's folder.

  Raises:
    FileNotFoundError: if the workdir has no checkpoint.
  """

  def __init__(self, workdir: str | pathlib.Path):
    folder = pathlib.Path(workdir).expanduser().absolute()
    logging.getLogger('absl').addFilter(_is_no_chatter)
    if not (folder / 'checkpoints').is_dir():
      raise FileNotFoundError(
        f'there is no checkpoint in {folder}; give the --workdir of a trained run or of'
        ' imported weights'
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
      raise FileNotFoundError(
        f'no checkpoint in {folder} is complete yet; wait until the run has saved one'
      )
    self.latest_step: int = step

  @property
  def best_step(self) -> int | None:
    """Same as in `Checkpoints`."""
    return self._manager.best_step()

  def run_description(self, step: int) -> dict[str, Any]:
    """The run's config, class names and skeleton, as saved with the state.

    Raises:
      CheckpointError: if one of them is missing.
    """
    return _run_description(self._manager, step)

  def restore_variables(self, step: int, shapes: dict[str, Any]) -> dict[str, Any]:
    """Parameters and BatchNorm statistics only, for any number of devices.

    Args:
      shapes: the model's variables, with a ShapeDtypeStruct and sharding per leaf.

    Raises:
      CheckpointError: if the checkpoint lacks an array, or holds it in another shape.
    """
    collections = {name: shapes[name] for name in shapes if name != 'params'}
    wanted = {'params': shapes['params'], 'collections': collections}
    _check_arrays(self._manager, step, wanted, whole=False)
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


def _run_description(manager: ocp.CheckpointManager, step: int) -> dict[str, Any]:
  try:
    restored = manager.restore(
      step, args=ocp.args.Composite(run=ocp.args.JsonRestore())
    )
  except KeyError as error:  # Orbax raises it for an item that was not saved.
    raise _other_version(manager, step, 'it has no description of its run') from error
  missing = [name for name in _DESCRIBED if name not in restored['run']]
  if missing:
    raise _other_version(manager, step, f'its description has no {missing[0]}')
  return restored['run']


def _check_arrays(
  manager: ocp.CheckpointManager, step: int, wanted: Any, *, whole: bool
):
  """Raises CheckpointError unless the wanted arrays are stored, in their shapes.

  Orbax skips a missing array silently when it restores a part of a state. Otherwise its
  error lists all arrays on hundreds of lines.

  Args:
    whole: the checkpoint must hold no other arrays.
  """
  manager.wait_until_finished()
  items = manager.item_metadata(step)
  stored = _shapes_by_name(items['state'].tree) if 'state' in items else {}
  wanted = _shapes_by_name(wanted)
  if missing := [name for name in wanted if name not in stored]:
    raise _other_version(manager, step, f'it has no {_listed(missing)}')
  if whole and (more := [name for name in stored if name not in wanted]):
    raise _other_version(manager, step, f'it also has {_listed(more)}')
  for name, shape in wanted.items():
    if None not in (shape, stored[name]) and shape != stored[name]:
      found = f'{name} is {stored[name]} and not {shape}'
      raise _other_version(manager, step, found)


def _shapes_by_name(tree: Any) -> dict[str, tuple[int, ...] | None]:
  """Shapes by dotted name; None for a random key, which is stored as its numbers."""
  shapes = {}
  for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    name = jax.tree_util.keystr(path, simple=True, separator='.')
    shapes[name] = None if is_key else tuple(leaf.shape)
  return shapes


def _listed(names: list[str]) -> str:
  more = f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
  return ', '.join(names[:_SHOWN]) + more


def _other_version(
  manager: ocp.CheckpointManager, step: int, found: str
) -> CheckpointError:
  return CheckpointError(
    f'{manager.directory}/{step} was made by another version of this library: {found};'
    ' use that version, or train in a new --workdir'
  )


def _metric(metrics: dict[str, float]) -> float:
  return metrics[_METRIC]


def _is_no_chatter(record: logging.LogRecord) -> bool:
  """False for the lines that Orbax logs for every phase of a save; errors pass."""
  return record.levelno > logging.WARNING or 'orbax' not in record.pathname
