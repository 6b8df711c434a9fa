"""PA3D on Penn Action, which the paper does not use: joint stream.

The settings are PA3D's for HMDB (T=8, N=6), since Penn's clips, like HMDB's, are longer
than JHMDB's. Ours: `quick`, 99.2 % on fold 0 of the training clips, old fold rule, 4.4
minutes on one CPU core (docs/results.md).

  python main.py --config=configs/pa3d_penn.py --workdir=/tmp/pa3d_penn \
      --config.data.poses=Penn_Action/labels

Options, after a colon, separated by commas:

- `representation=keypoints`: render the maps from keypoints (default: `heatmaps`, the
  stored maps of a pose network).
- `small`: small maps and half the width, for two cores, four minutes per run; reads
  keypoints.
- `quick`: `small` with our augmentation and half of the balanced softmax.
- `tuned`: `quick` with the whole of it, mixup and more epochs; trained here only as a member
  of `configs/best_penn.py`.
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split.
- `modality=parts`: `joints` (default), `parts`, `features`, `joints_diff`, `parts_diff`
  or `features_diff`; several, joined by +, are concatenated (⊕ in Table 5).
- `temporal=tsn`: a baseline from Table 2 (`tsn`, `temporal_conv`, `conv3d`,
  `colorization`) instead of `temporal_pose_conv`.
- `branches=global`: any of `global`, `dilated`, `local`, joined by + (Table 3; default:
  `global+dilated`).
- `frames=8`, `outputs=6`: T and N (Table 4: 2, 4, 6, 8, 12).
"""

from configs.shared import base, few_clips, pa3d_model


def get_config(arg: str = ''):
  args = pa3d_model.parse_options(arg, small=False, quick=False, tuned=False)
  config = base.base_config()
  config.data.dataset = 'penn_action'
  config.data.train_split = 'train'
  config.data.test_split = 'test' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.max_persons = 1  # data set: Penn Action annotates one person
  # Ours: frames are 4:3 to 16:9; the widest are cropped a little.
  config.data.map_size = (64, 96)
  # Ours: PA3D Sec. 4.1 for HMDB.
  pa3d_model.choose_stream(config, args, frames=8, outputs=6)
  config.train.batch_size = 64  # ours: PA3D Sec. 4 for HMDB
  config.train.epochs = 100  # ours
  if few_clips.chosen(args):
    pa3d_model.make_small(config, args, epochs=60 if args.tuned else 40)  # ours
  return config.lock()
