"""Opens altered checkpoints in one process with limits, as the library's users do.

Doors: 'resume' of a small state, 'load', 'evaluate' and 'train' of the tiny config. A
case that ends the process is named, and another process runs the rest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import hashlib
import io
import json
import pathlib
import resource
import shutil
import sys
import traceback

import hostile_checkpoints
import jax
import limited_doors
import model_doors
import numpy as np
import small_checkpoints
import tiny_run

from pose_action.runtime import sharding
from pose_action.training import experiment
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.resume import start_or_resume
from pose_action.training.run import open_training
from pose_action.training.saved_checkpoints import step_folders

_WAIT = 900
_SMALL_STEP, _TINY_STEP = 3, 12


@dataclasses.dataclass(frozen=True)
class Ending:
  """How a case ended.

  Attributes:
    what: how the checkpoint was altered.
    fault: what must not happen; '' if nothing.
    error: the message of the library's error; '' if something was restored.
    restored: a digest of what was restored.
    seconds: how long it used the processor.
    memory: bytes that it took at its peak beyond those before.
  """

  what: str
  fault: str = ''
  error: str = ''
  restored: str = ''
  seconds: float = 0.0
  memory: int = 0


def endings(folder: pathlib.Path, cases: list[tuple[str, int]]) -> list[Ending]:
  """Runs cases (door, seed); a seed of -n alters nothing, but removes n - 1 checkpoints.

  Args:
    folder: holds the runs 'small' and 'tiny', which are copied for each case, and the
      tiny run's data set 'data'.
  """
  return [
    answer if isinstance(answer, Ending) else Ending(f'{case}', answer)
    for case, answer in model_doors.answered(__file__, str(folder), cases, Ending)
  ]


def _serve(folder: pathlib.Path):
  jax.config.update('jax_disable_most_optimizations', True)
  for door in ('resume', 'load', 'evaluate', 'train'):
    _ending(folder, door, -1, limit=None)  # Imports and compilation are paid once.
  for door, seed in json.loads(sys.stdin.read()):
    faulthandler.dump_traceback_later(_WAIT, exit=True)
    ending = _ending(folder, door, seed)
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(dataclasses.asdict(ending)), flush=True)


def _ending(
  folder: pathlib.Path, door: str, seed: int, limit: int | None = limited_doors.MEMORY
) -> Ending:
  name, step = ('small', _SMALL_STEP) if door == 'resume' else ('tiny', _TINY_STEP)
  work = folder / 'work'
  shutil.rmtree(work, ignore_errors=True)
  shutil.copytree(folder / name, work / 'run')
  marker = folder / 'marker'
  what = f'{door} {seed} '
  place = work / 'run/checkpoints' / str(step)
  for removed in step_folders(place.parent)[: max(0, -seed - 1)]:
    shutil.rmtree(removed)
  if seed >= 0:
    what += hostile_checkpoints.alter(place, marker, seed)

  pathlib.Path('/proc/self/clear_refs').write_text('5')  # The peak starts again.
  before, start = model_doors.memory_of('VmRSS'), model_doors.processor_seconds()
  if limit is not None:  # Twice, so that the peak shows what took more.
    most = model_doors.memory_of('VmSize') + 2 * limit
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
  fault = error = restored = ''
  printed = io.StringIO()
  with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
    try:
      restored = _DOORS[door](folder, work / 'run')
    except (ValueError, OSError) as raised:  # What programs answer in one line.
      error = str(raised)
      if '\n' in error:
        fault = f'several lines: {error}'
    except BaseException:
      fault = traceback.format_exc()
  seconds = model_doors.processor_seconds() - start
  memory = model_doors.memory_of('VmHWM') - before
  if marker.exists():
    fault = 'it ran code'
  if limit is not None and seconds > limited_doors.SECONDS + 3 * (door == 'evaluate'):
    fault = f'took {seconds:.1f} s of the processor'
  if limit is not None and memory > limit:
    fault = f'took {memory:,} bytes'
  return Ending(what, fault, error, restored, seconds, memory)


def _digest(*trees) -> str:
  digest = hashlib.sha256()
  for leaf in jax.tree.leaves(trees):
    if isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(
      leaf.dtype, jax.dtypes.prng_key
    ):
      leaf = jax.random.key_data(leaf)
    digest.update(np.asarray(leaf).tobytes())
  return digest.hexdigest()


def _resume(folder: pathlib.Path, run: pathlib.Path) -> str:
  shapes = small_checkpoints.shapes(small_checkpoints.state(0))
  with contextlib.closing(Checkpoints(run)) as checkpoints:
    checkpoints.set_unreadable_aside(shapes)
    step = checkpoints.latest_step
    assert step is not None
    state = checkpoints.restore_state(step, shapes)
    iterator = small_checkpoints.iterator()
    checkpoints.restore_iterator(step, iterator)
    checkpoints.run_description(step)
    return f'{step} {_digest(state)} {next(iterator)}'


def _load(folder: pathlib.Path, run: pathlib.Path) -> str:
  from pose_action.inference.predictor import Predictor

  model = Predictor.from_workdir(run, checkpoint='last')
  return f'{model.step} {_digest(model._variables)} {model.class_names}'  # type: ignore


def _config(folder: pathlib.Path):
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.data_dir = str(folder / 'data')
  return config


def _evaluate(folder: pathlib.Path, run: pathlib.Path) -> str:
  mesh = sharding.make_mesh(jax.devices()[:1])
  results = experiment.train_and_evaluate(
    _config(folder), str(run), trains=False, mesh=mesh
  )
  return json.dumps(results)


def _train(folder: pathlib.Path, run: pathlib.Path) -> str:
  mesh = sharding.make_mesh(jax.devices()[:1])
  with open_training(_config(folder), str(run), mesh) as opened:
    state, _, left_open = start_or_resume(opened)
    return f'{int(state.step)} {_digest(state)} {left_open}'


_DOORS = {'resume': _resume, 'load': _load, 'evaluate': _evaluate, 'train': _train}

if __name__ == '__main__':
  _serve(pathlib.Path(sys.argv[1]))
