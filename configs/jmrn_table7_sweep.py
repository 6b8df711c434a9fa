"""JMRN's Table 7: JMRN and a PoTion baseline of the same size, both with augmentation.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022, Table 7,
poses estimated by OpenPose. The paper does not give the sizes of the baseline's three
further layers; ours add 3.1 M parameters. Ours: docs/results.md.

  python tools/run_sweep.py --config=configs/jmrn_table7_sweep.py:small,development \
      --workdir=/tmp/jmrn_table7

Options: see configs/shared/jmrn_tables.py. Arguments after `--` are passed to every
run, for example `-- --config.data.poses=FILE`.
"""

from configs.shared import jmrn_tables, sweep

_ROWS = (
  jmrn_tables.Row(
    name='potion_deeper',
    title='Deeper baseline',
    paper=(66.38, 49.25, 14.88),
    model='potion_deeper',
    options=('paa=translation',),  # Sec. 4.3: with the paper's augmentation
  ),
  jmrn_tables.Row(name=jmrn_tables.WHOLE, title='JMRN', paper=jmrn_tables.WHOLE_PAPER),
)


def get_sweep(arg: str = '') -> sweep.Sweep:
  title = 'JMRN Table 7: JMRN and a PoTion baseline as large'
  return jmrn_tables.sweep_of(arg, 'jmrn_table7', title, _ROWS)
