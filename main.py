"""Trains and evaluates what a config describes; see configs/ and README.md.

  python main.py --config=configs/demo.py --workdir=/tmp/demo

Kept short on purpose: everything it does lives in pose_action, where it can be imported.
"""

import logging
import pathlib
import sys
import traceback

from absl import app, flags
from ml_collections import config_flags

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'The experiment: a file of configs/, options after a colon.'
)
_WORKDIR = flags.DEFINE_string(
  'workdir', None, 'Takes checkpoints, metrics and results; a run is resumed from it.'
)
_MODE = flags.DEFINE_enum(
  'mode',
  'train_and_evaluate',
  ['train_and_evaluate', 'train', 'evaluate'],
  'What to do; the test split is touched by evaluation alone, once, at the end.',
)
_DISTRIBUTED = flags.DEFINE_bool(
  'distributed',
  False,
  'Join the processes of a TPU pod, Slurm, Open MPI or Kubernetes job. Elsewhere set'
  ' JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID instead.',
)


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'this is no flag: {argv[1]!r}')
  # JAX tells of every backend that this machine does not have.
  logging.getLogger('jax._src.xla_bridge').setLevel(logging.WARNING)
  # Imported here, so that --help and mistyped flags answer at once.
  from pose_action.runtime import sharding
  from pose_action.training import experiment
  from pose_action.training.step import TrainingDiverged

  workdir = str(_WORKDIR.value)
  try:
    sharding.initialize_processes(detect=_DISTRIBUTED.value)
    experiment.train_and_evaluate(
      _CONFIG.value,
      workdir,
      trains='train' in _MODE.value,
      evaluates='evaluate' in _MODE.value,
    )
  except (ValueError, OSError, TrainingDiverged) as error:
    # The message says what to do, and a traceback would bury it; nothing is lost.
    log = pathlib.Path(workdir).expanduser() / 'error.log'
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(traceback.format_exc())
    print(f'{type(error).__name__}: {error}\n(traceback in {log})', file=sys.stderr)
    sys.exit(1)


if __name__ == '__main__':
  flags.mark_flags_as_required(['config', 'workdir'])
  app.run(main)
