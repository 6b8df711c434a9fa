"""JMRN's Table 1: PoTion, JMRN, augmentation, contrastive loss, step by step.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022, Table 1,
poses estimated by OpenPose. Ours: docs/results.md.

  python tools/run_sweep.py --config=configs/jmrn_table1_sweep.py:small,development \
      --workdir=/tmp/jmrn_table1

Options: see configs/shared/jmrn_tables.py. Arguments after `--` are passed to every
run, for example `-- --config.data.poses=FILE`.
"""

from configs.shared import jmrn_tables, sweep

_ROWS = (
  jmrn_tables.Row(
    name='potion',
    title='PoTion baseline',
    paper=(59.44, 42.04, 13.54),
    model='potion',
    options=('paa=none',),
  ),
  jmrn_tables.Row(
    name='jmrn',
    title='JMRN',
    paper=(66.70, 48.71, 15.00),
    options=('paa=none', 'contrastive=false'),
  ),
  jmrn_tables.Row(
    name='jmrn_paa',
    title='JMRN + PAA',
    paper=(69.81, 52.02, 15.79),
    options=('contrastive=false',),
  ),
  jmrn_tables.Row(
    name=jmrn_tables.WHOLE,
    title='JMRN + PAA + contrastive',
    paper=jmrn_tables.WHOLE_PAPER,
  ),
)


def get_sweep(arg: str = '') -> sweep.Sweep:
  title = 'JMRN Table 1: JMRN, step by step'
  return jmrn_tables.sweep_of(arg, 'jmrn_table1', title, _ROWS)
