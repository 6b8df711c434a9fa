"""Reads the checkpoints of a workdir, without the libraries that training needs.

A checkpoint holds the train state, the data iterator, and a description of the run
(config, class names, skeleton), so that a model can be rebuilt from the checkpoint alone.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp

from pose_action.host.user_paths import user_path
from pose_action.training import checkpoint_bounds, checkpoint_digests
from pose_action.training.checkpoint_digests import (
  METRIC,
  CheckpointError,
  DamagedCheckpointError,
  named,
)

_DESCRIBED = ('config', 'class_names', 'skeleton')
_SHOWN = 3
# Older versions of Orbax read the figures of all checkpoints in any case.
_LIGHT = 'lightweight_initialize'
_WITHOUT_FIGURES: dict[str, Any] = (
  {_LIGHT: True}
  if _LIGHT in inspect.signature(ocp.CheckpointManagerOptions).parameters
  else {}
)


class SavedCheckpoints:
  """The checkpoints of a workdir, read-only: a run may be saving more there.

  Args:
    workdir: the run's folder.
    only_last: reads nothing of the other checkpoints, which may be damaged.

  Raises:
    FileNotFoundError: if the workdir has no checkpoint.
    CheckpointError: if a checkpoint is damaged so that none can be chosen.
  """

  def __init__(self, workdir: str | pathlib.Path, *, only_last: bool = False):
    folder = user_path(workdir).absolute()
    logging.getLogger('absl').addFilter(is_no_chatter)
    if not (folder / 'checkpoints').is_dir():
      raise FileNotFoundError(
        f'there is no checkpoint in {folder}; give the --workdir of a trained run or of'
        ' imported weights'
      )
    self._folder = folder / 'checkpoints'
    for step in step_folders(self._folder)[: 1 if only_last else None]:
      with _may_vanish(step):
        checkpoint_bounds.check_files(step)
        checkpoint_digests.check_parts(step)
    handlers: dict[str, Any] = {
      'state': ocp.PyTreeCheckpointHandler(),
      'run': ocp.JsonCheckpointHandler(),
    }
    self._manager = ocp.CheckpointManager(
      folder / 'checkpoints',
      options=ocp.CheckpointManagerOptions(
        best_fn=metric,
        best_mode='max',
        read_only=True,
        **(_WITHOUT_FIGURES if only_last else {}),
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
    if not checkpoint_digests.check_parts(self._folder / str(step)):
      say_unverified(self._folder / str(step))
    return run_description(self._manager, step)

  def restore_variables(
    self, step: int, shapes: dict[str, Any], weights: str = 'last'
  ) -> dict[str, Any]:
    """Parameters and BatchNorm statistics only, for any number of devices.

    Args:
      shapes: the model's variables, with a ShapeDtypeStruct and sharding per leaf.
      weights: the 'last' parameters, or their 'average'.

    Raises:
      CheckpointError: if the checkpoint lacks an array, or holds it in another shape.
    """
    collections = {name: shapes[name] for name in shapes if name != 'params'}
    params = 'average' if weights == 'average' else 'params'
    wanted = {params: shapes['params'], 'collections': collections}
    folder = self._folder / str(step)
    checkpoint_digests.check_arrays(folder, tops=wanted.keys())
    check_arrays(self._manager, step, wanted, whole=False)
    restore = ocp.args.PyTreeRestore(
      item=wanted,
      restore_args=ocp.checkpoint_utils.construct_restore_args(wanted),
      partial_restore=True,
    )
    state = restored_state(self._manager, step, restore)
    checkpoint_digests.check_restored(folder, {n: state[n] for n in wanted})
    return {'params': state[params], **state['collections']}

  def close(self):
    """Ends Orbax's threads."""
    self._manager.close()


def step_folders(checkpoints: pathlib.Path) -> list[pathlib.Path]:
  """The folders of checkpoints, the newest first.

  Raises:
    CheckpointError: if `checkpoints` is not a folder.
  """
  if checkpoints.exists() and not checkpoints.is_dir():
    raise CheckpointError(
      f'{checkpoints} is not a folder of checkpoints; move it away, or give another'
      ' --workdir'
    )
  found = [path for path in checkpoints.glob('[0-9]*') if path.name.isdecimal()]
  return sorted(found, key=lambda path: int(path.name), reverse=True)


@contextlib.contextmanager
def _may_vanish(folder: pathlib.Path) -> Iterator[None]:
  """Ignores damage to a checkpoint that a live run has deleted in the meantime."""
  try:
    yield
  except DamagedCheckpointError:
    if folder.exists():
      raise


def say_unverified(folder: pathlib.Path):
  """Says that a checkpoint has no digests, on process 0."""
  if jax.process_index() == 0:
    print(
      f'note: {folder} was made before checkpoints had digests, so damage to it cannot'
      ' be recognised',
      file=sys.stderr,
    )


def restored_state(manager: ocp.CheckpointManager, step: int, restore: Any) -> Any:
  """What Orbax restores of the state.

  Raises:
    DamagedCheckpointError: if Orbax fails, for whatever reason.
  """
  try:
    return manager.restore(step, args=ocp.args.Composite(state=restore))['state']
  except Exception as error:
    reason = ' '.join(str(error).split())[:200]
    folder = pathlib.Path(manager.directory) / str(step)
    raise DamagedCheckpointError(folder, reason) from error


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
  folder = pathlib.Path(manager.directory) / str(step)
  checkpoint_bounds.check_description(folder, restored['run'])
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
  folder = pathlib.Path(manager.directory) / str(step)
  try:
    items = manager.item_metadata(step)
    stored = _shapes_by_name(items['state'].tree) if 'state' in items else {}
  except Exception as error:
    reason = ' '.join(str(error).split())[:200]
    raise DamagedCheckpointError(folder, reason) from error
  saved = checkpoint_digests.saved_arrays(folder)
  if saved is not None and 'state' in items and saved != stored.keys():
    raise DamagedCheckpointError(folder, 'state/_METADATA lists other arrays')
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
  for name, leaf in named(tree).items():
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
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

  Tracebacks from the threads of a save do not pass: the save raises the same error.
  """
  if record.exc_info and 'orbax' in record.pathname:
    return False
  return record.levelno > logging.WARNING or 'orbax' not in record.pathname
