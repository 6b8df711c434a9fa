"""PA3D on JHMDB: joint stream with multi-scale temporal pose convolution.

Paper: An Yan et al., PA3D, CVPR 2019, Tables 3-5: 60.1 % accuracy (split 1, poses
estimated by OpenPose). We use JHMDB's annotated joints, so the figures are not
comparable.
Ours: `quick`, 65.1 ± 1.9 % on the grouped folds of the development clips, which share no
source video and are not the official splits, last checkpoint, three seeds, two minutes each
on one CPU core (docs/results.md). The paper's own setting has not been trained here.

  python main.py --config=configs/pa3d_jhmdb.py --workdir=/tmp/pa3d_jhmdb

Options, after a colon, separated by commas:

- `split=2`: official split 1 (default), 2 or 3.
- `representation=keypoints`: render the maps from keypoints (default: `heatmaps`, the
  stored maps of a pose network).
- `small`: small maps and half the width, for two cores, two minutes per run; reads
  keypoints.
- `quick`: `small` with our augmentation and half of the balanced softmax.
- `tuned`: `quick` with the whole of it, mixup and more epochs, for data in which some classes
  have few clips.
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split, for poses without one.
- `modality=parts`: `joints` (default), `parts`, `features`, `joints_diff`, `parts_diff`
  or `features_diff`; several, joined by +, are concatenated (⊕ in Table 5).
- `temporal=tsn`: a baseline from Table 2 (`tsn`, `temporal_conv`, `conv3d`,
  `colorization`) instead of `temporal_pose_conv`.
- `branches=global`: any of `global`, `dilated`, `local`, joined by + (Table 3; default:
  `global+dilated`).
- `frames=8`, `outputs=6`: T and N (Table 4: 2, 4, 6, 8, 12).

Poses are downloaded, or read from `--config.data.poses`; for a skeleton pickle add
`--config.data.format=pyskl`.
"""

from configs.shared import base, few_clips, pa3d_model


def get_config(arg: str = ''):
  args = pa3d_model.parse_options(
    arg, split=1, small=False, quick=False, tuned=False, choices={'split': (1, 2, 3)}
  )
  config = base.base_config()
  config.data.dataset = 'jhmdb'
  config.data.train_split = f'train{args.split}'
  config.data.test_split = f'test{args.split}' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.max_persons = 1  # data set: JHMDB annotates one person
  pa3d_model.choose_stream(config, args, frames=4, outputs=8)  # PA3D Table 4, Sec. 4.1
  config.train.batch_size = 32  # PA3D Sec. 4
  config.train.epochs = 150  # PA3D Sec. 4
  if few_clips.chosen(args):
    pa3d_model.make_small(config, args, epochs=100 if args.tuned else 60)  # ours
  return config.lock()
