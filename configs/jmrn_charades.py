"""JMRN on Charades: multi-label videos, binary cross entropy, mAP.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022: 16.2 mAP
(Table 1), poses estimated by OpenPose. Ours: not trained here (docs/results.md).

  python main.py --config=configs/jmrn_charades.py --workdir=/tmp/jmrn_charades \
      --config.data.format=jmrn_official --config.data.poses=charades_potion \
      --config.data.potion.weights=integer_break

This reads the PoTion files of the official release. With your own poses, in any format,
also give the official csv files (`--config.data.annotations=FOLDER`), or use a skeleton
pickle whose labels are lists. Training and tests read whole videos.

Options, after a colon, separated by commas:

- `representation=keypoints`: what is stored: `potion` (default), `heatmaps` or
  `keypoints`.
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the official validation videos.
- `as_published`: select the checkpoint on those videos, as the official code does.
- `positives=weighted`: weigh positives by the share of labels in common.
- `paa=none`: pose-aware augmentation by `translation` (default), `continuous`,
  `rotation`, `joint` or `none`.
- `contrastive=false`, `selector=false`, `siamese=false`: the other ablations.
- `model=potion`: PoTion's action CNN instead of `jmrn`, with the same maps, data and
  rates, without contrastive loss; `potion_deeper` is as large as JMRN.
"""

from configs.shared import base, jmrn_model


def get_config(arg: str = ''):
  args = jmrn_model.parse_options(
    arg,
    as_published=False,
    positives='shared_label',
    model='jmrn',
    choices={
      'positives': ('shared_label', 'weighted'),
      'model': jmrn_model.MODELS,
    },
  )
  config = base.base_config()
  config.data.dataset = 'charades'
  config.data.train_split = 'train'
  config.data.test_split = 'val' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.map_size = (64, 64)  # official code for Charades
  # Ours; stored PoTion maps include every frame and every person.
  jmrn_model.read_potion(config, args.representation, num_frames=128)
  config.data.random_crop = config.data.representation != 'keypoints'
  config.data.stretch = config.data.representation != 'keypoints'
  # Official script for Charades.
  jmrn_model.choose_model(config, args, compressed=32, dropout=0.25)
  jmrn_model.train_with_adam(  # official script for Charades
    config, batch_size=128, epochs=75, learning_rate=5e-4, patience=2
  )
  config.train.loss = 'binary_cross_entropy'  # JMRN Sec. 4.1: multi-label
  config.train.contrastive.positives = args.positives
  # Official script for Charades.
  jmrn_model.move_joints(config, args.paa, global_shift=9, group_shift=5)
  if args.contrastive and args.model == 'jmrn':
    jmrn_model.contrast_joints(  # official script for Charades
      config, weight=0.05, temperature=0.1, ramp_start=0, ramp_epochs=100
    )
  if args.as_published:
    jmrn_model.as_published(config)
  return config.lock()
