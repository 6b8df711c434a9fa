"""Evaluates the checkpoints of a run again, and writes its results.

  pose-action evaluate --workdir=/tmp/pa3d

Evaluates the best and the last checkpoint with the config that the run saved in
config.json. Override its fields with --config.FIELD=VALUE, for example where the poses
are now: --config.data.poses=jhmdb.pkl. Fields that the training depends on must keep
their values.
"""

import sys
from collections.abc import Sequence

from pose_action.cli.launch import config_names
from pose_action.cli.launch.program import Flags, UsageError, refuse_arguments
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_WORKDIR = FLAGS.string(
  'workdir', None, 'Folder of a run, or of imported weights.', required=True
)
_CONFIG = FLAGS.config_file(
  'config',
  None,
  'The experiment, options after a colon. Default: config.json in --workdir.',
)
_DISTRIBUTED = FLAGS.bool(
  'distributed',
  False,
  'Join the processes of a TPU pod, Slurm, Open MPI or Kubernetes job. Elsewhere set'
  ' JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID instead.',
)


def before_parsing(args: Sequence[str]) -> list[str]:
  """Adds --config where it is not given: the config that the run in --workdir saved.

  Raises:
    UsageError: if the workdir has no config.json.
  """
  workdir = _value(args, '--workdir')
  if workdir is None or _value(args, '--config') is not None:
    return config_names.with_paths(args)
  saved = user_path(workdir) / 'config.json'
  if not saved.is_file():
    raise UsageError(
      f'{saved} does not exist; give the --workdir of a run, or the --config to'
      ' evaluate with'
    )
  return config_names.with_paths(['--config', str(saved), *args])


def main(args):
  refuse_arguments(args)

  # Imported here, so that --help and mistyped flags are answered at once.
  from ml_collections import config_flags

  from pose_action.ensembles import experiment
  from pose_action.ensembles.members import give_to_every_member
  from pose_action.runtime import sharding
  from pose_action.training.step import TrainingDiverged

  given = config_flags.get_override_values(FLAGS.values['config'])
  give_to_every_member(_CONFIG.value, given)
  sharding.initialize_processes(detect=_DISTRIBUTED.value)
  try:
    experiment.train_and_evaluate(_CONFIG.value, str(_WORKDIR.value), trains=False)
  except TrainingDiverged as error:
    sys.exit(f'error: {error}')


def _value(args: Sequence[str], flag: str) -> str | None:
  """The value of a flag on a command line that is not parsed yet."""
  for i, arg in enumerate(args):
    if arg == '--':
      break
    if arg.startswith(f'{flag}='):
      return arg.partition('=')[2]
    if arg == flag and i + 1 < len(args):
      return args[i + 1]
  return None
