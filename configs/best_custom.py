"""For your own poses, of any skeleton: four networks on the same joints, fused as one.

No paper: the members of `best_jhmdb`; `fast` has the two on trajectories alone. Export
your poses first (`pose-action export --dataset=mine`), or give them with
`--config.data.poses`. Ours: `fast`, 74.7 ± 2.0 % on the grouped folds g0 and g1 of
JHMDB's development clips (docs/results.md); all four have 81.8 there.

  python main.py --config=configs/best_custom.py --workdir=/tmp/best_custom \
      --config.data.dataset=mine --config.data.train_split=all

`--jobs=2` trains two members at a time. Options, after a colon, separated by commas:

- `fast`: only two small networks on trajectories, and fewer epochs.
- `people=1`: the people of a clip that are read, those with the highest scores
  (default: 2).
- `fold=1`: the training fold held out in the first phase, 0 to 4 (default: 0).

The test split, if there is one, is `--config.data.test_split`.
"""

import ml_collections

from configs import ddnet_jhmdb, jmrn_jhmdb, pa3d_jhmdb
from configs.shared import best, options


def get_config(arg: str = ''):
  args = options.parse_arg(arg, fast=False, people=2, fold=0)
  config = ddnet_jhmdb.get_config('streams' if args.fast else 'strong').unlock()
  config.data.dataset = 'mine'
  config.data.train_split = 'all'
  config.data.test_split = ''
  config.data.validation_fold = args.fold
  config.data.max_persons = args.people
  config.data.read_frames = 64  # ours: of longer clips, evenly spread frames are read
  if args.fast:
    config.train.epochs = 60  # ours: three minutes on two cores; not tuned
    config.train.quick_compilation = True  # ours: compiling takes a third of the time
    joints = ml_collections.ConfigDict(config.to_dict())
    joints.model.network = 'joints'
    return best.fuse(config, joints=joints)
  return best.fuse(
    config,
    trajectories_2=best.another_seed(config),
    pa3d=pa3d_jhmdb.get_config('tuned'),
    jmrn=jmrn_jhmdb.get_config('quick'),
  )
