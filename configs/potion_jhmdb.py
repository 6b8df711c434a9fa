"""PoTion on JHMDB: the baseline of PA3D (Table 2) and JMRN (Tables 1 and 7).

Papers: 59.44 % (JMRN Table 1, its authors' own implementation), 51.2 % (PA3D Table 2),
both on split 1 with poses estimated by OpenPose. We use JHMDB's annotated joints, so
the figures are not comparable. Ours: `small`, 67.2 ± 1.7 % on folds 0-2 of the
development clips, 2.5 minutes each on one CPU core (docs/results.md).

  python main.py --config=configs/potion_jhmdb.py --workdir=/tmp/potion_jhmdb

Options, after a colon, separated by commas:

- `split=2`: official split 1 (default), 2 or 3.
- `representation=keypoints`: what is stored: `potion` (default), `heatmaps` or
  `keypoints`.
- `small`: small maps and half the width, for two cores, 2.5 minutes per run; reads
  keypoints.
- `quick`: `small` with our augmentation and the balanced softmax; not trained here.
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split.
- `paa=translation`: pose-aware augmentation by `translation`, `continuous`, `rotation`,
  `joint` or `none` (default).
- `deeper`: as large as JMRN.
- `variant=UIN`: PoTion's `U` (default), `I` or `N`, or `UIN` for all three.
"""

from configs.shared import base, few_clips, jmrn_model, options


def get_config(arg: str = ''):
  args = options.parse_arg(
    arg,
    split=1,
    small=False,
    quick=False,
    representation='',
    fold=0,
    test=True,
    paa='none',
    deeper=False,
    variant='U',
    choices={
      'split': (1, 2, 3),
      'representation': ('potion', 'heatmaps', 'keypoints'),
      'paa': jmrn_model.MOTIONS,
      'variant': ('U', 'I', 'N', 'UIN'),
    },
  )
  config = base.base_config()
  config.data.dataset = 'jhmdb'
  config.data.train_split = f'train{args.split}'
  config.data.test_split = f'test{args.split}' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.max_persons = 1  # data set: JHMDB annotates one person
  # JMRN Sec. 3: whole clips; JHMDB's have 15 to 40 frames.
  jmrn_model.read_potion(config, args.representation, num_frames=40)
  config.data.potion.variant = args.variant
  config.model = jmrn_model.potion_baseline(args.deeper)
  jmrn_model.train_with_adam(  # ours: JMRN's official script for JHMDB
    config, batch_size=16, epochs=100, learning_rate=1e-4, patience=5
  )
  # Ours: JMRN's official script for JHMDB.
  jmrn_model.move_joints(config, args.paa, global_shift=7, group_shift=4)
  if few_clips.chosen(args):
    jmrn_model.make_small(config, args, epochs=30)  # ours
  return config.lock()
