"""Four networks on JHMDB's joints, fused as one.

No paper: two of our networks on trajectories after DD-Net's idea (`ddnet_jhmdb:strong`, two
seeds), PA3D `tuned` and JMRN `quick`. Ours: 81.8 % on the grouped folds of the development
clips, last checkpoints, one seed (docs/results.md).

  python main.py --config=configs/best_jhmdb.py --workdir=/tmp/best_jhmdb

Every member first trains without a held-out fifth of the training clips, where weights
and a temperature are fitted, and then on all training clips. `--jobs=2` trains two
members at a time. Options, after a colon, separated by commas:

- `split=2`: official split 1 (default), 2 or 3.
- `fold=1`: the training fold held out in the first phase, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split, for poses without one.

Poses are downloaded, or read from `--config.data.poses`; for a skeleton pickle add
`--config.data.format=pyskl`.
"""

from configs import ddnet_jhmdb, jmrn_jhmdb, pa3d_jhmdb
from configs.shared import best, options


def get_config(arg: str = ''):
  args = options.parse_arg(
    arg, split=1, fold=0, test=True, choices={'split': (1, 2, 3)}
  )
  config = ddnet_jhmdb.get_config('strong').unlock()
  config.data.train_split = f'train{args.split}'
  config.data.test_split = f'test{args.split}' if args.test else ''
  config.data.validation_fold = args.fold
  return best.fuse(
    config,
    trajectories_2=best.another_seed(config),
    pa3d=pa3d_jhmdb.get_config('tuned'),
    jmrn=jmrn_jhmdb.get_config('quick'),
  )
