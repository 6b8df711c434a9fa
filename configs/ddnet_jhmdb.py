"""DD-Net on JHMDB, by its published recipe; and our stronger networks on trajectories.

Paper: Fan Yang et al., Make Skeleton-based Action Recognition Model Smaller, Faster and
Better, ACM Multimedia Asia 2019: 77.2 % (mean of the three splits, all 928 clips, with
the scale of each person known, which we do not use). Another implementation of the port,
on the official splits 1 to 3: 71.5, 64.8 and 70.2 %.
Ours: `strong`, 79.6 ± 1.7 % on the grouped folds of the development clips, last epoch, three
seeds, about 7 minutes each on one CPU core (docs/results.md); `form=port` 64.1 % there.

  python main.py --config=configs/ddnet_jhmdb.py --workdir=/tmp/ddnet_jhmdb

Options, after a colon, separated by commas:

- `split=2`: official split 1 (default), 2 or 3.
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split, for poses without one.
- `form=port`: `keras` (default), the authors' notebooks: BatchNorm over channels, 1200
  epochs; or `port`, a PyTorch port: BatchNorm over frames, a median filter, and a rate
  halved on plateaus of the training loss, 600 epochs.
- `strong`: our network of two branches, half as large as DD-Net, with augmentation and
  mixup: one reads streams of all joints, as DD-Net does, and one reads each joint with the
  same encoder and weighs the joints.
- `streams`, `joints`: one of these branches alone.

Every batch of the published recipe holds all training clips. The authors report the best
epoch on the test split; we select on a held-out fold, and report the last epoch too.

Poses are downloaded, or read from `--config.data.poses`; for a skeleton pickle add
`--config.data.format=pyskl`.
"""

from configs.shared import base, ddnet_model


def get_config(arg: str = ''):
  args = ddnet_model.parse_options(arg, split=1, choices={'split': (1, 2, 3)})
  config = base.base_config()
  config.data.dataset = 'jhmdb'
  config.data.train_split = f'train{args.split}'
  config.data.test_split = f'test{args.split}' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.max_persons = 1  # data set: JHMDB annotates one person
  # Data set: JHMDB's clips have 15 to 40 frames.
  ddnet_model.choose_network(config, args, read_frames=40, epochs=250)  # epochs: ours
  return config.lock()
