"""JMRN on AVA v2.1: a person box a clip, several labels each, frame mAP at IoU 0.5.

Paper: Anshul Shah et al., Pose and Joint-Aware Action Recognition, WACV 2022: 14.1 frame
mAP (Table 5; PoTion 13.1), on SlowFast's person boxes, poses estimated by OpenPose. Ours:
not trained here (docs/results.md)

  python main.py --config=configs/jmrn_ava.py --workdir=/tmp/jmrn_ava \
      --config.data.poses=ava
  python tools/evaluate_ava.py --scores=/tmp/jmrn_ava/scores_val.npz --annotations=ava

The folder `ava` holds AVA's files, SlowFast's boxes and the poses of the videos; without
one of them the run says which it is and where it comes from
(input_pipeline/readers/formats/ava.py). Poses are of COCO's 17 joints; of OpenPose's 18 with
`--config.data.skeleton=openpose_18_and_others`. Training is on the annotated boxes, the
test on the detected ones of a score of 0.8 or more (SlowFast's choice for v2.1), whose
scores matter for nothing else. Results have the mAP of boxes as clips, and the second
command the papers' figure.

Sec. 4.2 says that the pose of each person is cropped over the clip and that others are
separate channels, and nothing of sizes or training: all numbers here are ours, those of
the official script for Charades, the other data set of several labels.

Options, after a colon: `context=false`, without the joints of others;
`representation=keypoints` (less room on disk, but rendered anew in each step; or
`heatmaps`, or `potion`, the default); `fold=1`, the fifth of the training videos held out
for validation; `test=false`, no figure on the official validation videos;
`positives=weighted`, by the share of labels in common. Ablations: `paa=none` (or
`joint`; also `translation`, `continuous`, `rotation`), `contrastive=false`,
`selector=false`, `siamese=false`; `model=potion` (or `potion_deeper`, as large as JMRN;
`jmrn` is the default).
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
  # The data set's own has the joints of others.
  config.data.skeleton = '' if args.context else 'coco_17'
  config.data.map_size = (64, 64)  # A clip's frame is a square around the box.
  # A clip has 25 frames, ±1 s. Of keypoints the most confident six of the others in view
  # are kept, beside the person; of stored maps all.
  jmrn_model.read_potion(config, args.representation, num_frames=32)
  config.data.max_persons = 6
  jmrn_model.choose_model(config, args, compressed=32, dropout=0.25)
  jmrn_model.train_with_adam(
    config, batch_size=128, epochs=75, learning_rate=5e-4, patience=2
  )
  config.train.loss = 'binary_cross_entropy'
  config.train.contrastive.positives = args.positives
  jmrn_model.move_joints(config, args.paa, global_shift=9, group_shift=5)
  if args.contrastive and args.model == 'jmrn':
    jmrn_model.contrast_joints(
      config, weight=0.05, temperature=0.1, ramp_start=0, ramp_epochs=100
    )
  return config.lock()
