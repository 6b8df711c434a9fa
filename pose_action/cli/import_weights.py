"""Imports the weights of another release into a workdir, to evaluate and predict with.

  python tools/import_weights.py --from=jmrn_official best.pth --workdir=/tmp/imported

Needs PyTorch: pip install 'pose-action-jax[torch]'. The official JMRN release saves only
weights, so model sizes are read from their shapes, and the number of classes tells which
data set they belong to. Class names are not in the file: give them with --class_names.
"""

import importlib
import shlex
import sys

from pose_action.cli.launch.program import Flags, UsageError

_DATASET_BY_CLASSES = {21: 'jhmdb', 51: 'hmdb51', 157: 'charades'}

FLAGS = Flags()
# There is only one release so far; the flag says what the argument is.
FLAGS.enum(
  'from', None, ['jmrn_official'], 'Release that saved the weights.', required=True
)
_WORKDIR = FLAGS.string(
  'workdir',
  None,
  'Output folder for the config and checkpoint; must be new or empty.',
  required=True,
)
_DATASET = FLAGS.enum(
  'dataset',
  None,
  list(_DATASET_BY_CLASSES.values()),
  'Data set that the weights were trained on. Default: the one with as many classes.',
)
_SPLIT = FLAGS.integer(
  'split',
  None,
  'Split of JHMDB or HMDB51 that the weights were trained on. Default: 1.',
)
_CLASS_NAMES = FLAGS.string(
  'class_names',
  None,
  'Text file with one class name per line, in the order of the classes. Default:'
  ' class_0, class_1, …',
)


def main(args):
  if len(args) != 1:
    raise UsageError(f'give one checkpoint file, but got {list(args)}')

  # Imported here, so that --help and mistyped flags are answered at once.
  from pose_action.inference import import_weights

  weights = import_weights.read_jmrn_official(args[0])
  experiment, options = _experiment(weights.num_classes)
  published = importlib.import_module(f'configs.{experiment}').get_config(options)
  config = import_weights.jmrn_official_config(published, weights)
  class_names = import_weights.read_class_names(_CLASS_NAMES.value, weights.num_classes)
  import_weights.write_workdir(
    weights, _WORKDIR.value, config=config, class_names=class_names
  )
  print(_summary(weights))
  if _CLASS_NAMES.value is None:
    print(
      'warning: classes are named class_0, class_1, …, which match no data set; import'
      ' again with --class_names to evaluate',
      file=sys.stderr,
    )
  command = [
    *('python', 'main.py', f'--config=configs/{experiment}.py:{options}'),
    *import_weights.config_overrides(published, config),
    f'--workdir={_WORKDIR.value}',
    '--mode=evaluate',
  ]
  print(
    f"To evaluate on the release's maps in FOLDER:\n  {shlex.join(command)}"
    ' --config.data.poses=FOLDER'
  )


def _experiment(num_classes: int) -> tuple[str, str]:
  """The shipped config that the weights were trained with, and its options."""
  # The release trains on all training clips and selects on the test split.
  options = 'as_published'
  if _SPLIT.value is not None:
    options += f',split={_SPLIT.value}'
  return f'jmrn_{_dataset(num_classes)}', options


def _dataset(num_classes: int) -> str:
  dataset = _DATASET.value or _DATASET_BY_CLASSES.get(num_classes)
  if dataset is None:
    known = ', '.join(f'{name} ({k})' for k, name in _DATASET_BY_CLASSES.items())
    raise ValueError(
      f'the weights have {num_classes} classes, unlike {known}; give --dataset'
    )
  return dataset


def _summary(weights) -> str:
  counters = [name for name in weights.unused if name.endswith('.num_batches_tracked')]
  layers = {name.rpartition('.')[0]: None for name in weights.unused}
  idle = [layer for layer in layers if f'{layer}.weight' in weights.unused]
  return (
    f'Imported into {_WORKDIR.value}:\n'
    f'  {weights.num_parameters:,} parameters; {weights.num_joints} joints,'
    f' {weights.channels} channels per joint, {weights.num_classes} classes, c_dim'
    f' {weights.model_fields["compressed"]}\n'
    f'  ignored, as the network never reads them: {", ".join(idle) or "no layer"} and'
    f' {len(counters)} batch counters'
  )
