"""PA3D on HMDB51, joint stream with multi-scale temporal pose convolution.

Paper: An Yan et al., PA3D, CVPR 2019, Tables 3-5: 47.8 % accuracy with joints, 54.7 %
with six modalities' scores fused (split 1), poses estimated by OpenPose.
Ours: not trained here (docs/results.md).

  python main.py --config=configs/pa3d_hmdb51.py --workdir=/tmp/pa3d_hmdb51 \
      --config.data.poses=hmdb51_hrnet.pkl

Options, after a colon: `split=2` (or 3); `representation=keypoints`; `fold=1`, the
training fold held out for validation; `test=false`, no test split;
`modality=parts` (or `features`, `joints_diff`,
`parts_diff`, `features_diff`; several, joined by +, are concatenated, ⊕ of Table 5);
`temporal=tsn` (or `temporal_conv`, `conv3d`, `colorization`: Table 2's baselines;
`temporal_pose_conv` is the default); `branches=global` (or `dilated`, `local`, joined by
+: Table 3); `frames=8` and `outputs=6`, T and N (Table 4: 2, 4, 6, 8, 12).
Maps of a pose network, with features, come from `tools/extract_poses.py --dataset=hmdb51`.
To begin with the action CNN of another run, as Sec. 4.1 tries with Charades, give
`--config.train.init_from=WORKDIR`.
"""

from configs.shared import base, pa3d_model


def get_config(arg: str = ''):
  args = pa3d_model.parse_options(arg, split=1, choices={'split': (1, 2, 3)})
  config = base.base_config()
  config.data.dataset = 'hmdb51'
  config.data.train_split = f'train{args.split}'
  config.data.test_split = f'test{args.split}' if args.test else ''
  config.data.validation_fold = args.fold
  pa3d_model.choose_stream(config, args, frames=8, outputs=6)  # Sec. 4.1
  config.train.batch_size = 64  # Sec. 4
  config.train.epochs = 400  # Sec. 4
  return config.lock()
