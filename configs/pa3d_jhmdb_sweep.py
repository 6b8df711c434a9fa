"""PA3D's Tables 2 to 5 on JHMDB.

Paper: An Yan et al., PA3D, CVPR 2019, Tables 2-5, poses estimated by OpenPose.
Settings of each row: configs/shared/pa3d_tables.py. Ours: docs/results.md.

  python tools/run_sweep.py --config=configs/pa3d_jhmdb_sweep.py:table3,small,development \
      --workdir=/tmp/pa3d_jhmdb_tables
  python tools/report.py --workdir=/tmp/pa3d_jhmdb_tables

Options: see configs/shared/pa3d_tables.py. Arguments after `--` are passed to every
run, for example `-- --config.data.poses=FILE`.
"""

from configs.shared import pa3d_tables, sweep


def get_sweep(arg: str = '') -> sweep.Sweep:
  return pa3d_tables.sweep_of(arg, dataset='jhmdb')
