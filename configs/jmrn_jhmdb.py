"""JMRN on JHMDB with pose-aware augmentation and the joint-contrastive loss.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022: 71.08 %
(Table 1, split 1), 68.55 % mean class accuracy over three splits (Table 2), poses
estimated by OpenPose. We use JHMDB's annotated joints, so the figures are not
comparable. Ours: `quick`, 67.1 ± 1.1 % on the grouped folds of the development clips,
which share no source video and are not the official splits, last checkpoint, six runs, five
minutes each on one CPU core (docs/results.md). The paper's own setting has not been trained
here.

  python main.py --config=configs/jmrn_jhmdb.py --workdir=/tmp/jmrn_jhmdb

Options, after a colon, separated by commas:

- `split=2`: official split 1 (default), 2 or 3.
- `representation=keypoints`: what is stored: `potion` (default), `heatmaps` or
  `keypoints`.
- `small`: small maps and a quarter of the width, for two cores, 5 minutes per run; reads
  keypoints.
- `quick`: `small` with our augmentation and the balanced softmax.
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split.
- `as_published`: select the checkpoint on the test split, as the official code does.
- `paa=none`: pose-aware augmentation by `translation` (default), `continuous`,
  `rotation`, `joint` or `none`.
- `contrastive=false`, `selector=false`, `siamese=false`: the other ablations.
"""

from configs.shared import base, few_clips, jmrn_model


def get_config(arg: str = ''):
  args = jmrn_model.parse_options(
    arg,
    split=1,
    small=False,
    quick=False,
    as_published=False,
    choices={'split': (1, 2, 3)},
  )
  config = base.base_config()
  config.data.dataset = 'jhmdb'
  config.data.train_split = f'train{args.split}'
  config.data.test_split = f'test{args.split}' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.max_persons = 1  # data set: JHMDB annotates one person
  # JMRN Sec. 3: whole clips; JHMDB's have 15 to 40 frames.
  jmrn_model.read_potion(config, args.representation, num_frames=40)
  config.model = jmrn_model.jmrn(compressed=128)  # official script for JHMDB
  config.model.selector = args.selector
  config.model.siamese = args.siamese
  jmrn_model.train_with_adam(  # official script for JHMDB
    config, batch_size=16, epochs=100, learning_rate=1e-4, patience=5
  )
  # Official script for JHMDB.
  jmrn_model.move_joints(config, args.paa, global_shift=7, group_shift=4)
  if args.contrastive:
    jmrn_model.contrast_joints(  # official script for JHMDB
      config, weight=0.05, temperature=0.3, ramp_start=50, ramp_epochs=50
    )
  if few_clips.chosen(args):
    jmrn_model.make_small(config, args, epochs=30)  # ours
  if args.as_published:
    jmrn_model.as_published(config)
  return config.lock()
