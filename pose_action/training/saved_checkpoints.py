"""Reads the checkpoints of a workdir, without the libraries that training needs.

A checkpoint holds the train state, the data iterator, and a description of the run
(config, class names, skeleton), so that a model can be rebuilt from the checkpoint alone.
"""

from __future__ import annotations

import logging
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp

from pose_action.host.user_paths import user_path

METRIC = 'validation'  # The name of the figure that the best checkpoint is chosen by.
_DESCRIBED = ('config', 'class_names', 'skeleton')
_SHOWN = 3


class CheckpointError(ValueError):
  """A checkpoint does not hold what this version of the library reads from it."""


class SavedCheckpoints:
  """The checkpoints of a workdir, read-only: a run may be saving more there.

  Args:
    workdir: the run's folder.

  Raises:
    FileNotFoundError: if the workdir has no checkpoint.
  """

  def __init__(self, workdir: str | pathlib.Path):
    folder = user_path(workdir).absolute()
    logging.getLogger('absl').addFilter(is_no_chatter)
    if not (folder / 'checkpoints').is_dir():
      raise FileNotFoundError(
        f'there is no checkpoint in {folder}; give the --workdir of a trained run or of'
        ' imported weights'
      )
    handlers: dict[str, Any] = {
      'state': ocp.PyTreeCheckpointHandler(),
      'run': ocp.JsonCheckpointHandler(),
    }
    self._manager = ocp.CheckpointManager(
      folder / 'checkpoints',
      options=ocp.CheckpointManagerOptions(
        best_fn=metric, best_mode='max', read_only=True
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
    return run_description(self._manager, step)

  def restore_variables(self, step: int, shapes: dict[str, Any]) -> dict[str, Any]:
    """Parameters and BatchNorm statistics only, for any number of devices.

    Args:
      shapes: the model's variables, with a ShapeDtypeStruct and sharding per leaf.

    Raises:
      CheckpointError: if the checkpoint lacks an array, or holds it in another shape.
    """
    collections = {name: shapes[name] for name in shapes if name != 'params'}
    wanted = {'params': shapes['params'], 'collections': collections}
    check_arrays(self._manager, step, wanted, whole=False)
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


def run_description(manager: ocp.CheckpointManager, step: int) -> dict[str, Any]:
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


def check_arrays(
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


def metric(metrics: dict[str, float]) -> float:
  return metrics[METRIC]


def is_no_chatter(record: logging.LogRecord) -> bool:
  """False for the lines that Orbax logs for every phase of a save; errors pass.

  Only the error in a thread of a save does not pass: the save raises the same error.
  """
  if '_SignalingThread' in str(record.msg):
    return False
  return record.levelno > logging.WARNING or 'orbax' not in record.pathname
