"""JMRN on JHMDB's three splits: mean ± std with one command.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022, Table 2:
68.55 % mean class accuracy over three splits, poses estimated by OpenPose. Ours:
docs/results.md.

  python tools/run_sweep.py --config=configs/jmrn_jhmdb_sweep.py:splits \
      --workdir=/tmp/jmrn_jhmdb_splits

Options: see configs/shared/sweep.py; without `splits` only split 1 is run.
Arguments after `--` are passed to every run, for example
`-- --config.data.poses=FILE`.
"""

from configs.shared import jmrn_tables, sweep


def get_sweep(arg: str = '') -> sweep.Sweep:
  return jmrn_tables.three_splits(arg, dataset='jhmdb')
