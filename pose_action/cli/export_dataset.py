"""Writes a data set of poses to disk, to be trained and tested on.

  python tools/export_dataset.py --format=pyskl --poses=jhmdb.pkl --skeleton=jhmdb \\
    --dataset=jhmdb --representation=heatmaps --data_dir=~/pose_action_data

A clip that cannot be used is named, left out and counted. The data set appears in
DATA_DIR/DATASET/REPRESENTATION when it is complete. With --runner the work is shared by
processes or machines (docs/scaling.md), and the files are the same.
"""

from pose_action.cli.pose_flags import define_pose_flags
from pose_action.cli.program import Flags, UsageError, refuse_arguments

FLAGS = Flags()
_DATASET = FLAGS.string('dataset', None, 'Name of the data set.', required=True)
_REPRESENTATION = FLAGS.enum(
  'representation',
  'keypoints',
  ['keypoints', 'heatmaps', 'potion'],
  'What is stored: joints, which are rendered during training, rendered maps of each'
  ' frame, or those of the whole video added up (PoTion).',
)
_DATA_DIR = FLAGS.string(
  'data_dir',
  None,
  'Folder that holds the data sets, or its place in a store: gs://, s3://, ...',
  required=True,
)
_POSES = define_pose_flags(FLAGS, default='the named data set')
_ANNOTATIONS = FLAGS.string(
  'annotations',
  None,
  'Folder of the official annotation of the named data set, for --poses (several with a'
  ' comma between) that know neither classes nor splits.',
)
_MAP_TO = FLAGS.string(
  'map_to',
  None,
  'Joint layout to bring the poses to, by name or as a file: joints that --skeleton'
  ' lacks are made by rules where there are some, and missing else.',
)
_SPLITS = FLAGS.list('splits', None, 'Which splits. Default: all with clips.')
_SHORT_SIDE = FLAGS.integer(
  'short_side', None, 'Maps: cells on the shorter side of the frame. Default: 64.'
)
_SIGMA = FLAGS.float('sigma', None, 'Maps: of the Gaussians, in cells. Default: 2.0.')
_CHANNELS = FLAGS.integer(
  'channels', None, 'Potion: colours that tell the time. Default: 3.'
)
_WEIGHTS = FLAGS.enum(
  'weights',
  None,
  ['exact', 'integer_break'],
  'Potion: how frames are weighted, as published (PoTion) or as the official code of'
  ' JMRN has it. Default: exact, or that of ready PoTion maps.',
)
_MODALITIES = FLAGS.list(
  'modalities',
  None,
  'Heatmaps: of joints, parts (part affinity fields) and features. Default: joints, or'
  ' what ready maps have.',
)
_PART_WIDTH = FLAGS.float(
  'part_width', None, "Parts: cells from a limb's axis. Default: 1.5."
)
_STRICT = FLAGS.bool('strict', False, 'Stop at a clip that cannot be used.')
_OVERWRITE = FLAGS.bool('overwrite', False, 'Replace the data set if there.')
_MIN_SHARDS = FLAGS.integer(
  'min_shards',
  1,
  'At least so many files a split, for many workers or hosts. More are made where they'
  ' would be larger than about 150 MB.',
  lower_bound=1,
)
_RUNNER = FLAGS.string(
  'runner',
  None,
  'Run on Apache Beam: DirectRunner (processes of this machine), DataflowRunner, ...'
  ' Default: in this process.',
)
_NUM_WORKERS = FLAGS.integer(
  'num_workers', None, 'Of --runner. Default: of DirectRunner one for each core.'
)
_BEAM_OPTIONS = FLAGS.list(
  'beam_options', None, "Of --runner: Beam's own, such as project=P,region=R."
)


def main(args):
  refuse_arguments(args)
  of_representation = _flags_of_representation()

  # Only now, so that --help and wrong flags are answered at once.
  from input_pipeline.catalog.source_spec import SourceSpec
  from input_pipeline.export.beam import BeamSettings
  from input_pipeline.export.export import export_dataset
  from input_pipeline.poses.skeleton_mapping import describe_mapping
  from input_pipeline.readers.registry import READERS
  from input_pipeline.skeletons.registry import get_skeleton
  from input_pipeline.storage.paths import data_path, is_remote
  from pose_action.host.progress import say

  reader = READERS.get(_POSES.format.value or '')
  resamples = reader is not None and 'short_side' in reader.options
  root = data_path(_DATA_DIR.value)
  source = SourceSpec(
    _DATASET.value,
    {
      'format': _POSES.format.value,
      'poses': _POSES.poses.value,
      'skeleton': _POSES.skeleton.value,
      'options': _POSES.options(short_side=_SHORT_SIDE.value if resamples else None),
      # What is downloaded goes to a folder of this host.
      'data_dir': None if is_remote(root) else root,
      'annotations': _ANNOTATIONS.value,
    },
  )
  if _MAP_TO.value:
    target = get_skeleton(_MAP_TO.value)
    print(describe_mapping(source.open().skeleton, target), flush=True)
    source = SourceSpec(source.dataset, {**source.options, 'map_to': _MAP_TO.value})
  beam = None
  if _RUNNER.value:
    options = tuple(f'--{option}' for option in _BEAM_OPTIONS.value or ())
    beam = BeamSettings(_RUNNER.value, _NUM_WORKERS.value, options)
  summary = export_dataset(
    source,
    dataset=_DATASET.value,
    representation=_REPRESENTATION.value,
    data_dir=root,
    splits=_SPLITS.value,
    strict=_STRICT.value,
    overwrite=_OVERWRITE.value,
    min_shards=_MIN_SHARDS.value,
    beam=beam,
    progress=say,
    **of_representation,
  )
  print(summary)


def _flags_of_representation():
  """The flags that are set of how maps are stored; refuses those of another form."""
  of_maps = _given(_SHORT_SIDE, _SIGMA)
  of_potion = _given(_CHANNELS, _WEIGHTS)
  of_heatmaps = _given(_MODALITIES, _PART_WIDTH)
  if of_maps and _REPRESENTATION.value == 'keypoints':
    raise UsageError(
      f'--{" and --".join(of_maps)} only matters to --representation=heatmaps or potion'
    )
  if of_potion and _REPRESENTATION.value != 'potion':
    raise UsageError(
      f'--{" and --".join(of_potion)} only matters to --representation=potion'
    )
  if of_heatmaps and _REPRESENTATION.value != 'heatmaps':
    raise UsageError(
      f'--{" and --".join(of_heatmaps)} only matters to --representation=heatmaps'
    )
  of_runner = _given(_NUM_WORKERS, _BEAM_OPTIONS)
  if of_runner and not _RUNNER.value:
    raise UsageError(f'--{" and --".join(of_runner)} only matters to --runner')
  return {**of_maps, **of_potion, **of_heatmaps}


def _given(*options):
  """Name and value of those flags that have one."""
  return {flag.name: flag.value for flag in options if flag.value is not None}
