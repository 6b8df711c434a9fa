"""Four networks on Penn Action's joints, fused as one.

No paper: the members of `best_jhmdb`, with Penn Action's settings.
Ours: 99.6 % on fold 0 of the training clips, old fold rule (docs/results.md).

  python main.py --config=configs/best_penn.py --workdir=/tmp/best_penn \
      --config.data.poses=Penn_Action/labels

`--jobs=2` trains two members at a time. Options, after a colon, separated by commas:

- `fold=1`: the training fold held out in the first phase, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split.
"""

from configs import ddnet_penn, jmrn_penn, pa3d_penn
from configs.shared import best, options


def get_config(arg: str = ''):
  args = options.parse_arg(arg, fold=0, test=True)
  config = ddnet_penn.get_config('strong').unlock()
  config.data.test_split = 'test' if args.test else ''
  config.data.validation_fold = args.fold
  return best.fuse(
    config,
    trajectories_2=best.another_seed(config),
    pa3d=pa3d_penn.get_config('tuned'),
    jmrn=jmrn_penn.get_config('quick'),
  )
