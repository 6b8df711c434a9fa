"""JMRN on Penn Action, a data set the paper does not use; settings as for JHMDB.

Ours: `quick`, 98.5 ± 0.2 % on folds 0-2 of the training clips, 4.5 minutes each on one
CPU core (docs/results.md).

  python main.py --config=configs/jmrn_penn.py --workdir=/tmp/jmrn_penn \
      --config.data.poses=Penn_Action/labels

Options, after a colon: `representation=keypoints` (or `heatmaps`, or `potion`, the
default); `quick`, our small setting for two cores, which reads keypoints; `fold=1`, the
training fold held out for validation; `test=false`, no test split. Ablations:
`paa=none` (or `joint`; also `translation`, `continuous`, `rotation`),
`contrastive=false`, `selector=false`, `siamese=false`; `model=potion` (or
`potion_deeper`, as large as JMRN; `jmrn` is the default), the same maps, data and rates,
but PoTion's action CNN and no contrastive loss.
"""

from configs.shared import base, jmrn_model


def get_config(arg: str = ''):
  args = jmrn_model.parse_options(
    arg, quick=False, model='jmrn', choices={'model': jmrn_model.MODELS}
  )
  config = base.base_config()
  config.data.dataset = 'penn_action'
  config.data.train_split = 'train'
  config.data.test_split = 'test' if args.test else ''
  config.data.validation_fold = args.fold
  config.data.max_persons = 1  # Penn Action annotates one person
  # Frames are 4:3 to 16:9; a little is cut of the widest.
  config.data.map_size = (64, 96)
  # Ours; clips have 18 to 663 frames. Of stored PoTion maps every frame counts.
  jmrn_model.read_potion(config, args.representation, num_frames=64)
  jmrn_model.choose_model(config, args, compressed=128)
  jmrn_model.train_with_adam(
    config, batch_size=16, epochs=100, learning_rate=1e-4, patience=5
  )
  jmrn_model.move_joints(config, args.paa, global_shift=7, group_shift=4)
  if args.contrastive and args.model == 'jmrn':
    jmrn_model.contrast_joints(
      config, weight=0.05, temperature=0.3, ramp_start=50, ramp_epochs=50
    )
  if args.quick:
    jmrn_model.make_quick(config, args.representation, epochs=8)
  return config.lock()
