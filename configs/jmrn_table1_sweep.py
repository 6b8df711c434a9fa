"""JMRN's Table 1: PoTion, JMRN, pose-aware augmentation, contrastive loss, in turn.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022, Table 1,
poses estimated by OpenPose. Ours: docs/results.md.

  python tools/run_sweep.py --config=configs/jmrn_table1_sweep.py:quick,development \
      --workdir=/tmp/jmrn_table1

Options: see configs/sweep.py. What follows `--` is passed on to every run, such as
`-- --config.data.poses=FILE`.
"""

from configs import sweep

_ROWS = (
  sweep.Row(
    name='potion',
    title='PoTion baseline',
    paper=(59.44, 42.04, 13.54),
    model='potion',
    options=('paa=none',),
  ),
  sweep.Row(
    name='jmrn',
    title='JMRN',
    paper=(66.70, 48.71, 15.00),
    options=('paa=none', 'contrastive=false'),
  ),
  sweep.Row(
    name='jmrn_paa',
    title='JMRN + PAA',
    paper=(69.81, 52.02, 15.79),
    options=('contrastive=false',),
  ),
  sweep.Row(
    name='jmrn_paa_contrastive',
    title='JMRN + PAA + contrastive',
    paper=(71.08, 54.05, 16.2),
  ),
)


def get_sweep(arg: str = '') -> tuple[sweep.SweepRun, ...]:
  return sweep.runs_of_table(arg, _ROWS)
