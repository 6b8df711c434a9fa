"""DD-Net on Penn Action, which the paper does not use; settings as for JHMDB.

Another implementation of the port: 97.9 % on the official test split.
Ours: `strong`, 99.9 ± 0.2 % on folds 0, 1 and 2 of the training clips by the old fold rule, last
epoch, seed 0 (docs/results.md).

  python main.py --config=configs/ddnet_penn.py --workdir=/tmp/ddnet_penn \
      --config.data.poses=Penn_Action/labels

Options, after a colon, separated by commas:

- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split.
- `form=port`: `keras` (default), the authors' notebooks, or `port`, a PyTorch port; see
  configs/ddnet_jhmdb.py.
- `strong`: our network of two branches, half as large as DD-Net, with augmentation and
  mixup: one reads streams of all joints, as DD-Net does, and one reads each joint with the
  same encoder and weighs the joints.
- `streams`, `joints`: one of these branches alone.
"""

from configs.shared import base, ddnet_model


def get_config(arg: str = ''):
  args = ddnet_model.parse_options(arg)
  config = base.base_config()
  config.data.dataset = 'penn_action'
  config.data.train_split = 'train'
  config.data.test_split = 'test' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.max_persons = 1  # data set: Penn Action annotates one person
  # Ours: frames are 4:3 to 16:9; the widest are cropped a little.
  config.data.map_size = (64, 96)
  # Ours: clips have 18 to 663 frames; of longer ones, evenly spaced frames are read.
  # Ours: over twice as many clips as JHMDB has need fewer epochs than its 250.
  ddnet_model.choose_network(config, args, read_frames=128, epochs=100)
  return config.lock()
