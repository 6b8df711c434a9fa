"""PA3D on JHMDB, joint stream with multi-scale temporal pose convolution.

Paper: An Yan et al., PA3D, CVPR 2019, Tables 3-5: 60.1 % accuracy (split 1, poses
estimated by OpenPose; ours are JHMDB's annotated joints, so figures differ in kind).
Ours: `quick`, 75.9 ± 0.7 % on folds 0-2 of the development clips, not the official
splits, 3.5 minutes each on two CPU cores (docs/results.md); the paper's own setting has
not been trained here.

  python main.py --config=configs/pa3d_jhmdb.py --workdir=/tmp/pa3d_jhmdb

Options, after a colon: `split=2` (or 3); `representation=keypoints`; `quick`, our small
setting for two cores, a few minutes a run, which reads keypoints; `fold=1`, the training
fold held out for validation; `test=false`, no test split, for poses that have none.
Poses are downloaded, or read from `--config.data.poses`, with
`--config.data.format=pyskl` where that is a skeleton pickle.
"""

from configs import base, config_args, pa3d_model


def get_config(arg: str = ''):
  args = config_args.parse_arg(
    arg,
    split=1,
    quick=False,
    representation='',
    fold=0,
    test=True,
    choices={'split': (1, 2, 3), 'representation': ('heatmaps', 'keypoints')},
  )
  config = base.base_config()
  config.data.dataset = 'jhmdb'
  config.data.representation = args.representation or 'heatmaps'
  config.data.train_split = f'train{args.split}'
  config.data.test_split = f'test{args.split}' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.num_frames = 4  # Table 4 and Sec. 4.1: T=4 for JHMDB
  config.data.max_persons = 1  # JHMDB annotates one person
  config.model = pa3d_model.joint_stream(outputs=8)  # Sec. 4.1: N=8 for JHMDB
  config.train.batch_size = 32  # Sec. 4
  config.train.epochs = 150  # Sec. 4
  if args.quick:
    pa3d_model.make_quick(config, args.representation, epochs=60)
  return config.lock()
