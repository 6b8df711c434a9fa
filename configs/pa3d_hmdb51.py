"""PA3D on HMDB51: joint stream with multi-scale temporal pose convolution.

Paper: An Yan et al., PA3D, CVPR 2019, Tables 3-5: 47.8 % accuracy with joints, 54.7 %
with the scores of six modalities fused (split 1), poses estimated by OpenPose.
Ours: not trained here (docs/results.md).

  python main.py --config=configs/pa3d_hmdb51.py --workdir=/tmp/pa3d_hmdb51 \
      --config.data.poses=hmdb51_hrnet.pkl

Options, after a colon, separated by commas:

- `split=2`: official split 1 (default), 2 or 3.
- `representation=keypoints`: render the maps from keypoints (default: `heatmaps`, the
  stored maps of a pose network).
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the test split.
- `modality=parts`: `joints` (default), `parts`, `features`, `joints_diff`, `parts_diff`
  or `features_diff`; several, joined by +, are concatenated (⊕ in Table 5).
- `temporal=tsn`: a baseline from Table 2 (`tsn`, `temporal_conv`, `conv3d`,
  `colorization`) instead of `temporal_pose_conv`.
- `branches=global`: any of `global`, `dilated`, `local`, joined by + (Table 3; default:
  `global+dilated`).
- `frames=8`, `outputs=6`: T and N (Table 4: 2, 4, 6, 8, 12).

`tools/extract_poses.py --dataset=hmdb51` makes the maps, with features, from videos. To
start from the action CNN of another run, as Sec. 4.1 tries with Charades, give
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
  pa3d_model.choose_stream(config, args, frames=8, outputs=6)  # PA3D Sec. 4.1
  config.train.batch_size = 64  # PA3D Sec. 4
  config.train.epochs = 400  # PA3D Sec. 4
  return config.lock()
