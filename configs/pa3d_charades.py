"""PA3D on Charades: videos of several labels, binary cross entropy, mAP.

Paper: An Yan et al., PA3D, CVPR 2019, Table 8: 13.8 mAP, six modalities' scores fused,
poses estimated by OpenPose.
Ours: not trained here (docs/results.md).

  python main.py --config=configs/pa3d_charades.py --workdir=/tmp/pa3d_charades \
      --config.data.poses=charades.pkl --config.data.annotations=Charades

Those are poses of the videos, in any format (`--config.data.format`), and the folder of
the official csv files; a skeleton pickle whose labels are lists needs no annotations.

Options, after a colon: `representation=keypoints`; `fold=1`, the training fold held out
for validation; `test=false`, no figure on the official validation videos; `views=25`,
clips a video in tests, spread over it (25 segments; with
`--config.data.sampling=consecutive` of adjacent frames), not Sec. 4.1's 10;
`modality=parts` (or `features`, `joints_diff`,
`parts_diff`, `features_diff`; several, joined by +, are concatenated, ⊕ of Table 5);
`temporal=tsn` (or `temporal_conv`, `conv3d`, `colorization`: Table 2's baselines;
`temporal_pose_conv` is the default); `branches=global` (or `dilated`, `local`, joined by
+: Table 3); `frames=8` and `outputs=6`, T and N (Table 4: 2, 4, 6, 8, 12).
"""

from configs.shared import base, pa3d_model


def get_config(arg: str = ''):
  args = pa3d_model.parse_options(arg, views=10, choices={'views': (10, 25)})
  config = base.base_config()
  config.data.dataset = 'charades'
  config.data.train_split = 'train'
  config.data.test_split = 'val' if args.test else ''
  config.data.validation_fold = args.fold
  # T and N are left open for Charades; ours: HMDB's.
  pa3d_model.choose_stream(config, args, frames=8, outputs=6)
  config.optimizer.name = 'adam'  # Sec. 4, from 0.01 as the others
  config.optimizer.weight_decay = 0.0  # ours
  config.train.loss = 'binary_cross_entropy'
  config.train.batch_size = 256  # Sec. 4
  config.train.epochs = 60  # Sec. 4
  config.eval.views = args.views
  # Videos: as many clips at a time.
  config.eval.batch_size = max(config.eval.batch_size * 10 // args.views, 1)
  return config.lock()
