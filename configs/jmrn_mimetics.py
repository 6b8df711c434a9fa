"""JMRN on Mimetics: trained on 50 classes of Kinetics, tested on mimed actions.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022: top-1
26.6, top-5 52.7, mAP 40.0 (Table 6), poses estimated by OpenPose. Ours: not trained
here (docs/results.md).

  python main.py --config=configs/jmrn_mimetics.py --workdir=/tmp/jmrn_mimetics \
      --config.data.poses=kinetics.pkl,mimetics.pkl --config.data.annotations=Mimetics

Give the poses of Kinetics' training videos and of Mimetics' 713 videos, in any format
(`--config.data.format`), and the folder with both official lists; without them the
export names the ones that it needs. The paper gives no setting; ours is that of the
official code for HMDB51.

Options, after a colon, separated by commas:

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
    as_published=False,
    model='jmrn',
    choices={'model': jmrn_model.MODELS},
  )
  config = base.base_config()
  config.data.dataset = 'mimetics'
  config.data.train_split = 'train'
  config.data.test_split = 'test' if args.test else ''
  config.data.validation_fold = args.fold
  # Ours; stored PoTion maps include every frame and every person.
  jmrn_model.read_potion(config, args.representation, num_frames=96)
  config.data.random_crop = config.data.representation != 'keypoints'
  config.data.stretch = config.data.representation != 'keypoints'
  # Ours: official script for HMDB51.
  jmrn_model.choose_model(config, args, compressed=64)
  jmrn_model.train_with_adam(  # ours: official script for HMDB51
    config, batch_size=128, epochs=150, learning_rate=1e-4, patience=3
  )
  # Ours: official script for HMDB51, which shifts no groups.
  jmrn_model.move_joints(config, args.paa, global_shift=5, group_shift=0)
  if args.contrastive and args.model == 'jmrn':
    jmrn_model.contrast_joints(  # ours: official script for HMDB51
      config, weight=0.5, temperature=0.1, ramp_start=0, ramp_epochs=100
    )
  if args.as_published:
    jmrn_model.as_published(config)
  return config.lock()
