"""PoTion on JHMDB, the baseline of PA3D (Table 2) and of JMRN (Tables 1 and 7).

Papers: 59.44 % (JMRN Table 1, its authors' own version), 51.2 % (PA3D Table 2), both
split 1, poses estimated by OpenPose; ours are JHMDB's annotated joints, so figures
differ in kind. Ours: `quick`, 67.2 ± 1.7 % on folds 0-2 of the development clips, 2.5
minutes each on one CPU core (docs/results.md).

  python main.py --config=configs/potion_jhmdb.py --workdir=/tmp/potion_jhmdb

Options, after a colon: `split=2` (or 3); `representation=keypoints` (or `heatmaps`, or
`potion`, the default); `quick`, our small setting for two cores, which reads keypoints;
`fold=1`, the training fold held out for validation; `test=false`, no test split;
`paa=translation` (or `continuous`, `rotation`, `joint`; `none` is the default);
`deeper`, as large as JMRN; `variant=UIN` (or `I`, `N`; `U` is the default).
"""

from configs.shared import base, jmrn_model
from configs.shared import options as config_args


def get_config(arg: str = ''):
  args = config_args.parse_arg(
    arg,
    split=1,
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
  config.data.max_persons = 1  # JHMDB annotates one person
  jmrn_model.read_potion(config, args.representation, num_frames=40)
  config.data.potion.variant = args.variant
  config.model = jmrn_model.potion_baseline(args.deeper)
  jmrn_model.train_with_adam(
    config, batch_size=16, epochs=100, learning_rate=1e-4, patience=5
  )
  jmrn_model.move_joints(config, args.paa, global_shift=7, group_shift=4)
  if args.quick:
    jmrn_model.make_quick(config, args.representation, epochs=30)
  return config.lock()
