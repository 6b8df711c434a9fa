"""PA3D on Charades: multi-label videos, binary cross entropy, mAP.

Paper: An Yan et al., PA3D, CVPR 2019, Table 8: 13.8 mAP with the scores of six
modalities fused, poses estimated by OpenPose.
Ours: not trained here (docs/results.md).

  python main.py --config=configs/pa3d_charades.py --workdir=/tmp/pa3d_charades \
      --config.data.poses=charades.pkl --config.data.annotations=Charades

Give the videos' poses, in any format (`--config.data.format`), and the folder with the
official csv files. A skeleton pickle whose labels are lists needs no annotations.

Options, after a colon, separated by commas:

- `representation=keypoints`: render the maps from keypoints (default: `heatmaps`, the
  stored maps of a pose network).
- `fold=1`: the training fold held out for validation, 0 to 4 (default: 0).
- `test=false`: no evaluation on the official validation videos.
- `views=25`: clips per test video, spread over it, instead of Sec. 4.1's 10: one frame
  from each of T segments, or adjacent frames with
  `--config.data.sampling=consecutive`.
- `modality=parts`: `joints` (default), `parts`, `features`, `joints_diff`, `parts_diff`
  or `features_diff`; several, joined by +, are concatenated (⊕ in Table 5).
- `temporal=tsn`: a baseline from Table 2 (`tsn`, `temporal_conv`, `conv3d`,
  `colorization`) instead of `temporal_pose_conv`.
- `branches=global`: any of `global`, `dilated`, `local`, joined by + (Table 3; default:
  `global+dilated`).
- `frames=8`, `outputs=6`: T and N (Table 4: 2, 4, 6, 8, 12).
"""

from configs.shared import base, pa3d_model


def get_config(arg: str = ''):
  args = pa3d_model.parse_options(arg, views=10, choices={'views': (10, 25)})
  config = base.base_config()
  config.data.dataset = 'charades'
  config.data.train_split = 'train'
  config.data.test_split = 'val' if args.test else ''
  config.data.validation_fold = args.fold
  # Ours: HMDB's T and N; the paper gives none for Charades.
  pa3d_model.choose_stream(config, args, frames=8, outputs=6)
  config.optimizer.name = 'adam'  # PA3D Sec. 4; from 0.01, as on the other data sets
  config.optimizer.weight_decay = 0.0  # ours
  config.train.loss = 'binary_cross_entropy'  # PA3D Sec. 4: multi-label loss
  config.train.batch_size = 256  # PA3D Sec. 4
  config.train.epochs = 60  # PA3D Sec. 4
  config.eval.views = args.views
  # Ours: fewer videos with more views each, so that a batch has equally many clips.
  config.eval.batch_size = max(config.eval.batch_size * 10 // args.views, 1)
  return config.lock()
