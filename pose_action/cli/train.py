"""Trains the model that a config describes, then evaluates it.

  python main.py --config=configs/pa3d_jhmdb.py:split=1,quick --workdir=/tmp/pa3d

The same as `pose-action train --config=pa3d_jhmdb:split=1,quick --workdir=/tmp/pa3d`.
Config options follow a colon. Override any field with --config.FIELD=VALUE, for example
--config.train.epochs=20; --print_config lists all fields with the sources of their
values. Run the same command again to resume an interrupted run.

--seeds=0,1,2 trains one run per seed, in the folders seed0, seed1 and seed2 of --workdir,
then prints the mean and standard deviation of each figure, and writes seeds.json.
"""

import logging
import os
import pathlib
import sys
import traceback

from pose_action.cli.launch import config_names
from pose_action.cli.launch.print_config import config_text
from pose_action.cli.launch.program import (
  Flags,
  UsageError,
  bounded,
  refuse_arguments,
)
from pose_action.cli.launch.value_sources import value_sources
from pose_action.ensembles.members import give_to_every_member
from pose_action.host import atomic_files
from pose_action.host.disk_errors import in_one_line, is_full
from pose_action.host.garbage import search_paused
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_CONFIG = FLAGS.config_file(
  'config',
  None,
  'The experiment: a file, or the name of a shipped one, options after a colon.',
  required=True,
)
_WORKDIR = FLAGS.string(
  'workdir',
  None,
  'Output folder. Run again with the same folder to resume. Required, except with'
  ' --print_config.',
)
_MODE = FLAGS.enum(
  'mode',
  'train_and_evaluate',
  ['train_and_evaluate', 'train', 'evaluate'],
  'What to do. The test split is evaluated only after training.',
)
_SEEDS = FLAGS.list(
  'seeds',
  None,
  'Train one run per seed, one after another, each in its folder seedN of --workdir. A'
  " seed replaces the config's. seeds.json then holds each figure's mean and sample"
  ' standard deviation. The same command resumes.',
)
_DISTRIBUTED = FLAGS.bool(
  'distributed',
  False,
  'Join the processes of a TPU pod, Slurm, Open MPI or Kubernetes job. Elsewhere set'
  ' JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID instead.',
)
_JOBS = FLAGS.integer(
  'jobs',
  1,
  'For a config with members: how many members to train at a time, each on its share of'
  ' the cores. On a GPU, set XLA_PYTHON_CLIENT_MEM_FRACTION so that all fit in its'
  ' memory.',
  lower_bound=1,
)
_PRINT_CONFIG = FLAGS.bool(
  'print_config',
  False,
  "Print every field of the config with its value, the value's source, and the field's"
  ' meaning, and exit. Fields that differ from their default are marked.',
)
before_parsing = config_names.with_paths


def main(args):
  refuse_arguments(args)
  give_to_every_member(_CONFIG.value, _overridden_fields())
  if _PRINT_CONFIG.value:
    print(config_text(_CONFIG.value, _value_sources()))
    return
  if not _WORKDIR.value:
    raise UsageError('--workdir is missing: Output folder.')
  if _JOBS.value > 1 and not _CONFIG.value.get('members'):
    raise UsageError(f'--jobs={_JOBS.value} needs a config with members (an ensemble)')
  if _SEEDS.value:
    sys.exit(_train_seeds())
  # Imported here, so that --help and mistyped flags are answered at once.
  with search_paused():
    from pose_action.ensembles import experiment
    from pose_action.runtime import sharding
    from pose_action.runtime.stop_signals import owning_process
    from pose_action.training.loop import TrainingStopped
    from pose_action.training.step import TrainingDiverged

  workdir = str(_WORKDIR.value)
  _silence_threads_of_saves()
  try:
    sharding.initialize_processes(detect=_DISTRIBUTED.value)
    with owning_process():
      experiment.train_and_evaluate(
        _CONFIG.value,
        workdir,
        trains='train' in _MODE.value,
        evaluates='evaluate' in _MODE.value,
        jobs=_JOBS.value,
      )
  except TrainingStopped as stopped:
    if sharding.is_first():
      print(stopped, file=sys.stderr)
    sys.exit(stopped.exit_status)
  except (ValueError, OSError, TrainingDiverged) as error:
    # The message says what to do, and a traceback would bury it.
    if FLAGS.values['debug'].value:
      traceback.print_exc()
    line = bounded(in_one_line(error, where=workdir))
    print(f'{type(error).__name__}: {line}', file=sys.stderr)
    _keep_traceback(user_path(workdir) / 'error.log')
    sys.exit(1)


def _train_seeds() -> int:
  """Trains one run per seed in processes of their own; returns the exit status."""
  from pose_action.evaluation.seed_summary import summary_table
  from pose_action.sweeps import seeds as seed_runs

  seeds = seed_runs.parse_seeds(_SEEDS.value)
  if 'seed' in _overridden_fields():
    raise UsageError('give --seeds or --config.seed, not both')
  if _DISTRIBUTED.value or os.environ.get('JAX_COORDINATOR_ADDRESS'):
    raise UsageError(
      '--seeds works in a job of one process; in a job of several, give each seed its'
      ' own command, with --config.seed and its own --workdir'
    )
  workdir = user_path(str(_WORKDIR.value))
  flags = [word for word in sys.argv[1:] if word != '--']
  status = seed_runs.train_seeds(flags, workdir, seeds)
  if not status and 'evaluate' in _MODE.value:
    print(f'\n{summary_table(seed_runs.write_summary(workdir, seeds))}')
    print(f'Figures of each seed: {workdir / "seeds.json"}')
  return status


def _overridden_fields() -> dict[str, object]:
  from ml_collections import config_flags

  return config_flags.get_override_values(FLAGS.values['config'])


def _value_sources() -> dict[str, str]:
  from ml_collections import config_flags

  flag = FLAGS.values['config']
  return value_sources(config_flags.get_config_filename(flag), _overridden_fields())


def _silence_threads_of_saves():
  """Silences threads of Orbax that outlive its event loop after a failed save.

  The save's own error is raised, and is the one to show.
  """
  show = sys.unraisablehook

  def show_others(failure):
    error = failure.exc_value
    if not (error and (str(error) == 'Event loop is closed' or is_full(error))):
      show(failure)

  def is_another(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return error is None or not is_full(error)

  sys.unraisablehook = show_others
  logging.getLogger('asyncio').addFilter(is_another)


def _keep_traceback(log: pathlib.Path):
  try:
    atomic_files.write_text(log, traceback.format_exc())
  except OSError:  # A full or read-only disk, which may be the error itself.
    return
  print(f'(traceback in {log})', file=sys.stderr)
