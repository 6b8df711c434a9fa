"""JMRN on AVA v2.1: one person box per clip, multi-label, frame mAP at IoU 0.5.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022: 14.1
frame mAP (Table 5; PoTion 13.1), on SlowFast's person boxes, poses estimated by
OpenPose. Ours: not trained here (docs/results.md).

  python main.py --config=configs/jmrn_ava.py --workdir=/tmp/jmrn_ava \
      --config.data.poses=ava
  python tools/evaluate_ava.py --scores=/tmp/jmrn_ava/scores_val.npz --annotations=ava

The folder `ava` holds AVA's files, SlowFast's boxes and the videos' poses; the run says
which one is missing and where to get it (input_pipeline/readers/formats/ava.py). Poses
have COCO's 17 joints, or OpenPose's 18 with
`--config.data.skeleton=openpose_18_and_others`. Training uses the annotated boxes, the
test the detected ones with a score of at least 0.8 (SlowFast's choice for v2.1; the
scores are not used otherwise). The results give mAP with boxes as clips; the second
command computes the paper's metric.

Sec. 4.2 says only that each person's pose is cropped over the clip and that other
people are separate channels. It gives no sizes and no training setting, so all numbers
here are ours: those of the official script for Charades, the other multi-label data
set.

Options, after a colon, separated by commas:

- `context=false`: leave out the joints of other people.
- `representation=keypoints`: what is stored: `potion` (default), `heatmaps` or
  `keypoints`, which take less disk but are rendered anew in each step.
- `fold=1`: the fifth of the training videos held out for validation, 0 to 4
  (default: 0).
- `test=false`: no evaluation on the official validation videos.
- `positives=weighted`: weigh positives by the share of labels in common.
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
    context=True,
    positives='shared_label',
    model='jmrn',
    choices={
      'positives': ('shared_label', 'weighted'),
      'model': jmrn_model.MODELS,
    },
  )
  config = base.base_config()
  config.data.dataset = 'ava'
  config.data.train_split = 'train'
  config.data.test_split = 'val' if args.test else ''
  config.data.validation_fold = args.fold
  # The data set's own skeleton includes the joints of other people.
  config.data.skeleton = '' if args.context else 'coco_17'
  config.data.map_size = (64, 64)  # ours: a frame is a square around the box
  # Ours: at least a clip's 25 frames, ±1 s.
  jmrn_model.read_potion(config, args.representation, num_frames=32)
  # Ours: with keypoints, the six most confident other people in view are kept beside the
  # person; stored maps include all.
  config.data.max_persons = 6
  # Ours: official script for Charades.
  jmrn_model.choose_model(config, args, compressed=32, dropout=0.25)
  jmrn_model.train_with_adam(  # ours: official script for Charades
    config, batch_size=128, epochs=75, learning_rate=5e-4, patience=2
  )
  config.train.loss = 'binary_cross_entropy'  # JMRN Sec. 4.1: multi-label
  config.train.contrastive.positives = args.positives
  # Ours: official script for Charades.
  jmrn_model.move_joints(config, args.paa, global_shift=9, group_shift=5)
  if args.contrastive and args.model == 'jmrn':
    jmrn_model.contrast_joints(  # ours: official script for Charades
      config, weight=0.05, temperature=0.1, ramp_start=0, ramp_epochs=100
    )
  return config.lock()
