"""JMRN on Charades: videos of several labels, binary cross entropy, mAP.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022: 16.2 mAP
(Table 1), poses estimated by OpenPose. Ours: not trained here (docs/results.md).

  python main.py --config=configs/jmrn_charades.py --workdir=/tmp/jmrn_charades \
      --config.data.format=jmrn_official --config.data.poses=charades_potion \
      --config.data.potion.weights=integer_break

That reads the PoTion files of the official release. Of poses of one's own, in any format,
give the official csv files too (`--config.data.annotations=FOLDER`), or a skeleton pickle
whose labels are lists. Whole videos are read, in training and in tests.

Options, after a colon: `representation=keypoints` (or `heatmaps`, or `potion`, the
default); `fold=1`, the training fold held out for validation; `test=false`, no figure
on the official validation videos; `as_published`, which selects on those, as the
official code does;
`positives=weighted`, by the share of labels in common. Ablations: `paa=none` (or
`joint`; also `translation`, `continuous`, `rotation`), `contrastive=false`,
`selector=false`, `siamese=false`; `model=potion` (or `potion_deeper`, as large as JMRN;
`jmrn` is the default), the same maps, data and rates, but PoTion's action CNN and no
contrastive loss.
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
  config.data.map_size = (64, 64)
  # Ours; of stored PoTion maps every frame and every person counts.
  jmrn_model.read_potion(config, args.representation, num_frames=128)
  config.data.random_crop = config.data.representation != 'keypoints'
  config.data.stretch = config.data.representation != 'keypoints'
  jmrn_model.choose_model(config, args, compressed=32, dropout=0.25)
  jmrn_model.train_with_adam(
    config, batch_size=128, epochs=75, learning_rate=5e-4, patience=2
  )
  config.train.loss = 'binary_cross_entropy'
  config.train.contrastive.positives = args.positives
  jmrn_model.move_joints(config, args.paa, global_shift=9, group_shift=5)
  if args.contrastive and args.model == 'jmrn':
    jmrn_model.contrast_joints(
      config, weight=0.05, temperature=0.1, ramp_start=0, ramp_epochs=100
    )
  if args.as_published:
    jmrn_model.as_published(config)
  return config.lock()
