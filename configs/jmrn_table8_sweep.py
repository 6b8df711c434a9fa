"""JMRN's Table 8: one encoder for all joints against an encoder for each.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022, Table 8,
poses estimated by OpenPose. The encoders for each joint are shallower, and together as
large as the shared one; their cut is ours. Ours: docs/results.md.

  python tools/run_sweep.py --config=configs/jmrn_table8_sweep.py:quick,development \
      --workdir=/tmp/jmrn_table8

Options: see configs/sweep.py. What follows `--` is passed on to every run, such as
`-- --config.data.poses=FILE`.
"""

from configs import sweep

_ROWS = (
  sweep.Row(
    name='jmrn_non_siamese',
    title='Non-Siamese',
    paper=(65.98, 51.66, 14.93),
    options=('siamese=false',),
  ),
  sweep.Row(name='jmrn', title='JMRN', paper=(71.08, 54.05, 16.2)),
)


def get_sweep(arg: str = '') -> tuple[sweep.SweepRun, ...]:
  return sweep.runs_of_table(arg, _ROWS)
