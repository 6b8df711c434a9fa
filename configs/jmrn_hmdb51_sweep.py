"""JMRN on HMDB51's three splits: mean ± std with one command.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022, Table 2:
54.2 % mean class accuracy over three splits, poses estimated by OpenPose. Ours:
docs/results.md.

  python tools/run_sweep.py --config=configs/jmrn_hmdb51_sweep.py:splits \
      --workdir=/tmp/jmrn_hmdb51_splits -- --config.data.poses=hmdb51_hrnet.pkl

Options: see configs/shared/sweep.py; without `splits` only split 1 is run.
Arguments after `--` are passed to every run, for example
`-- --config.data.poses=hmdb51_hrnet.pkl`.
"""

from configs.shared import jmrn_tables, sweep


def get_sweep(arg: str = '') -> sweep.Sweep:
  return jmrn_tables.three_splits(arg, dataset='hmdb51')
