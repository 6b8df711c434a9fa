"""Makes a workdir of the weights of another release, to evaluate and predict with.

  python tools/import_weights.py --from=jmrn_official best.pth --workdir=/tmp/imported

Needs PyTorch: pip install '.[torch]'. The official JMRN release saves weights alone, so
the sizes are read off them, and the number of classes tells the data set. Class names
are not in the file either: give them, one a line, in the order of the classes.
"""

import importlib
import shlex
import sys

from pose_action.cli.program import Flags, UsageError

_DATASET_OF_CLASSES = {21: 'jhmdb', 51: 'hmdb51', 157: 'charades'}

FLAGS = Flags()
# One release so far; the flag says what the argument is.
FLAGS.enum('from', None, ['jmrn_official'], 'Whose weights they are.', required=True)
_WORKDIR = FLAGS.string(
  'workdir', None, 'Takes config and checkpoint; new or empty.', required=True
)
_DATASET = FLAGS.enum(
  'dataset',
  None,
  list(_DATASET_OF_CLASSES.values()),
  'What they were trained on. Default: what has their number of classes.',
)
_SPLIT = FLAGS.integer(
  'split', None, 'Of JHMDB and HMDB51, which they were trained on. Default: 1.'
)
_CLASS_NAMES = FLAGS.string(
  'class_names', None, 'Text file, a name a line. Default: class_0, class_1, …'
)


def main(args):
  if len(args) != 1:
    raise UsageError(f'give one checkpoint file, but got {list(args)}')

  # Only now, so that --help and wrong flags are answered at once.
  from pose_action.inference import import_weights

  weights = import_weights.read_jmrn_official(args[0])
  experiment = f'jmrn_{_dataset(weights.num_classes)}'
  # The release trains on all training clips, and selects on the test split.
  options = 'as_published'
  if _SPLIT.value is not None:
    options += f',split={_SPLIT.value}'
  published = importlib.import_module(f'configs.{experiment}').get_config(options)
  config = import_weights.jmrn_official_config(published, weights)
  class_names = import_weights.read_class_names(_CLASS_NAMES.value, weights.num_classes)
  import_weights.write_workdir(
    weights, _WORKDIR.value, config=config, class_names=class_names
  )
  print(_summary(weights))
  if _CLASS_NAMES.value is None:
    print(
      'warning: classes are called class_0, class_1, …, which no data set calls them;'
      ' import again with --class_names to evaluate',
      file=sys.stderr,
    )
  command = [
    *('python', 'main.py', f'--config=configs/{experiment}.py:{options}'),
    *import_weights.config_overrides(published, config),
    f'--workdir={_WORKDIR.value}',
    '--mode=evaluate',
  ]
  print(
    f'To evaluate on the maps of the release, in FOLDER:\n  {shlex.join(command)}'
    ' --config.data.poses=FOLDER'
  )


def _dataset(num_classes: int) -> str:
  dataset = _DATASET.value or _DATASET_OF_CLASSES.get(num_classes)
  if dataset is None:
    known = ', '.join(f'{name} ({k})' for k, name in _DATASET_OF_CLASSES.items())
    raise ValueError(
      f'the weights have {num_classes} classes, which tells none of {known}; give'
      ' --dataset'
    )
  return dataset


def _summary(weights) -> str:
  counters = [name for name in weights.unused if name.endswith('.num_batches_tracked')]
  layers = {name.rpartition('.')[0]: None for name in weights.unused}
  idle = [layer for layer in layers if f'{layer}.weight' in weights.unused]
  return (
    f'Imported into {_WORKDIR.value}:\n'
    f'  {weights.num_parameters:,} parameters; {weights.num_joints} joints,'
    f' {weights.channels} channels a joint, {weights.num_classes} classes, c_dim'
    f' {weights.model_fields["compressed"]}\n'
    f'  ignored, as the network never reads them: {", ".join(idle) or "no layer"} and'
    f' {len(counters)} counters of batches'
  )
