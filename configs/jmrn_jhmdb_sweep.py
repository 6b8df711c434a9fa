"""JMRN on JHMDB's three splits: mean ± std of one command.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022, Table 2:
68.55 % mean class accuracy over three splits, poses estimated by OpenPose. Ours:
docs/results.md.

  python tools/run_sweep.py --config=configs/jmrn_jhmdb_sweep.py:splits \
      --workdir=/tmp/jmrn_jhmdb_splits

Options: those of configs/shared/sweep.py; without `splits` it is split 1 alone. What follows
`--` is passed on to every run, such as `-- --config.data.poses=FILE`.
"""

from configs.shared import jmrn_tables, sweep


def get_sweep(arg: str = '') -> sweep.Sweep:
  return jmrn_tables.three_splits(arg, dataset='jhmdb')
