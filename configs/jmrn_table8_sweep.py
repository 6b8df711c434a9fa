"""JMRN's Table 8: one encoder for all joints, or one for each.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022, Table 8,
poses estimated by OpenPose. The separate encoders are shallower and together as large
as the shared one; their layers are our choice. Ours: docs/results.md.

  python tools/run_sweep.py --config=configs/jmrn_table8_sweep.py:small,development \
      --workdir=/tmp/jmrn_table8

Options: see configs/shared/jmrn_tables.py. Arguments after `--` are passed to every
run, for example `-- --config.data.poses=FILE`.
"""

from configs.shared import jmrn_tables, sweep

_ROWS = (
  jmrn_tables.Row(
    name='jmrn_non_siamese',
    title='Non-Siamese',
    paper=(65.98, 51.66, 14.93),
    options=('siamese=false',),
  ),
  jmrn_tables.Row(name=jmrn_tables.WHOLE, title='JMRN', paper=jmrn_tables.WHOLE_PAPER),
)


def get_sweep(arg: str = '') -> sweep.Sweep:
  title = 'JMRN Table 8: one encoder for all joints, or one for each'
  return jmrn_tables.sweep_of(arg, 'jmrn_table8', title, _ROWS)
