"""JMRN on HMDB51 with pose-aware augmentation and the joint-contrastive loss.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022: 54.05 %
(Table 1, split 1), 54.2 % mean class accuracy over three splits (Table 2), poses
estimated by OpenPose. Ours: not trained here (docs/results.md).

  python main.py --config=configs/jmrn_hmdb51.py --workdir=/tmp/jmrn_hmdb51 \
      --config.data.poses=hmdb51_hrnet.pkl

With other poses, in any format, also give the official split lists
(`--config.data.annotations=FOLDER`).

Options, after a colon, separated by commas:

- `split=2`: official split 1 (default), 2 or 3.
- `representation=keypoints`: what is stored: `potion` (default), `heatmaps` or
  `keypoints`.
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split.
- `as_published`: select the checkpoint on the test split, as the official code does.
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
    split=1,
    as_published=False,
    model='jmrn',
    choices={'split': (1, 2, 3), 'model': jmrn_model.MODELS},
  )
  config = base.base_config()
  config.data.dataset = 'hmdb51'
  config.data.train_split = f'train{args.split}'
  config.data.test_split = f'test{args.split}' if args.test else ''
  config.data.validation_fold = args.fold
  # Ours; stored PoTion maps include every frame and every person.
  jmrn_model.read_potion(config, args.representation, num_frames=96)
  config.data.random_crop = config.data.representation != 'keypoints'
  config.data.stretch = config.data.representation != 'keypoints'
  jmrn_model.choose_model(config, args, compressed=64)  # official script for HMDB51
  jmrn_model.train_with_adam(  # official script for HMDB51
    config, batch_size=128, epochs=150, learning_rate=1e-4, patience=3
  )
  # Official script for HMDB51, which shifts no groups.
  jmrn_model.move_joints(config, args.paa, global_shift=5, group_shift=0)
  if args.contrastive and args.model == 'jmrn':
    jmrn_model.contrast_joints(  # official script for HMDB51
      config, weight=0.5, temperature=0.1, ramp_start=0, ramp_epochs=100
    )
  if args.as_published:
    jmrn_model.as_published(config)
  return config.lock()
