"""Converts poses to a data set on disk, to train and test on.

  python tools/export_dataset.py --format=pyskl --poses=jhmdb.pkl --skeleton=jhmdb \\
    --dataset=jhmdb --representation=heatmaps --data_dir=~/pose_action_data

Clips that cannot be used are left out, listed with the reason, and counted. The data set
appears in DATA_DIR/DATASET/REPRESENTATION once it is complete. With --runner, several
processes or machines share the work (docs/scaling.md) and write the same files.
"""

from pose_action.cli.launch.pose_flags import define_pose_flags
from pose_action.cli.launch.program import Flags, UsageError, refuse_arguments

FLAGS = Flags()
_DATASET = FLAGS.string('dataset', None, 'Name of the data set.', required=True)
_REPRESENTATION = FLAGS.enum(
  'representation',
  'keypoints',
  ['keypoints', 'heatmaps', 'potion'],
  'What to store: keypoints, whose maps are rendered during training; rendered maps of'
  ' each frame; or the rendered maps of a whole video added up (PoTion).',
)
_DATA_DIR = FLAGS.string(
  'data_dir',
  None,
  'Folder for all data sets, local or in a cloud store: gs://, s3://, ...',
  required=True,
)
_POSES = define_pose_flags(FLAGS)
_ANNOTATIONS = FLAGS.string(
  'annotations',
  None,
  'Folder with the official annotation of --dataset, for --poses without classes and'
  ' splits. Separate several folders with commas.',
)
_SEGMENTS = FLAGS.string(
  'segments',
  None,
  'File that says when actions begin and end: of ELAN (.eaf), or a CSV of BORIS, VIA 3,'
  ' or with the columns video, person, start, stop, label. Cuts the videos into windows'
  ' with one label each (docs/timelines.md).',
)
_TIERS = FLAGS.list(
  'tiers', None, "--segments: which of an ELAN file's tiers to read. Default: all."
)
_WINDOW = FLAGS.string(
  'window', None, '--segments: length of a window, 30 (frames) or 2s. Default: 2s.'
)
_STRIDE = FLAGS.string(
  'stride',
  None,
  '--segments: distance between windows in a long segment, 15 (frames) or 1s.'
  ' Default: 1s.',
)
_BACKGROUND = FLAGS.string(
  'background',
  None,
  '--segments: class of the time without a segment. Default: it is left out.',
)
_MAP_TO = FLAGS.string(
  'map_to',
  None,
  'Joint layout to convert the poses to: a registered name (a wrong one lists all), or'
  ' your own file *.yaml or *.json. Joints that --skeleton lacks are computed if there'
  ' is a rule for them, and are missing otherwise.',
)
_SPLITS = FLAGS.list(
  'splits', None, 'Splits to export. Default: all splits with clips.'
)
_SHORT_SIDE = FLAGS.integer(
  'short_side',
  None,
  'heatmaps, potion: map cells on the shorter side of the frame. Default: 64.',
)
_SIGMA = FLAGS.float(
  'sigma', None, 'heatmaps, potion: σ of the Gaussians, in map cells. Default: 2.0.'
)
_CHANNELS = FLAGS.integer(
  'channels', None, 'potion: number of colours that encode time. Default: 3.'
)
_WEIGHTS = FLAGS.enum(
  'weights',
  None,
  ['exact', 'integer_break'],
  'potion: how frames are weighted: as in the PoTion paper (exact), or as in the official'
  ' JMRN code (integer_break). Default: exact, or the weights of ready PoTion maps.',
)
_MODALITIES = FLAGS.list(
  'modalities',
  None,
  'heatmaps: which maps to store: joints, parts (part affinity fields), features.'
  ' Default: joints, or all modalities of ready maps.',
)
_PART_WIDTH = FLAGS.float(
  'part_width',
  None,
  "--modalities=parts: how far a field reaches from its limb's axis, in map cells."
  ' Default: 1.5.',
)
_GROUP_BY = FLAGS.string(
  'group_by',
  None,
  'Store with each clip the group that must not be divided between training and'
  ' validation: auto, none, column (of videos.csv), jhmdb, hmdb51, ucf, youtube, ntu, ava,'
  ' or a regular expression with one group, searched in each name. Default: the column'
  " group of videos.csv; without groups, training's config.data.group_by goes by names.",
)
_STRICT = FLAGS.bool('strict', False, 'Stop at the first clip that cannot be used.')
_OVERWRITE = FLAGS.bool('overwrite', False, 'Replace the data set if it exists.')
_MIN_SHARDS = FLAGS.integer(
  'min_shards',
  1,
  'Minimum number of files per split, for many workers or hosts. There are more if files'
  ' would exceed about 150 MB.',
  lower_bound=1,
)
_WORKERS = FLAGS.integer(
  'workers',
  None,
  'heatmaps, potion: how many threads render and compress maps. Default: one per core,'
  ' at most 16. The files are the same for any number.',
  lower_bound=0,
)
_RUNNER = FLAGS.string(
  'runner',
  None,
  'Export with Apache Beam: DirectRunner (several processes on this machine),'
  ' DataflowRunner, ... Default: export in this process.',
)
_NUM_WORKERS = FLAGS.integer(
  'num_workers',
  None,
  '--runner: number of workers. Default for DirectRunner: one per core.',
)
_BEAM_OPTIONS = FLAGS.list(
  'beam_options', None, "--runner: Beam's own options, such as project=P,region=R."
)


def main(args):
  refuse_arguments(args)
  map_settings = _map_settings()

  # Imported here, so that --help and mistyped flags are answered at once.
  from input_pipeline.export.export import export_dataset
  from input_pipeline.storage.paths import data_path
  from pose_action.host.progress import say

  root = data_path(_DATA_DIR.value)
  summary = export_dataset(
    _source(root),
    dataset=_DATASET.value,
    representation=_REPRESENTATION.value,
    data_dir=root,
    splits=_SPLITS.value,
    strict=_STRICT.value,
    overwrite=_OVERWRITE.value,
    min_shards=_MIN_SHARDS.value,
    beam=_beam(),
    workers=_WORKERS.value,
    progress=say,
    **map_settings,
  )
  print(summary)


def _source(root):
  """The poses to export; prints how they are mapped to another skeleton, if at all."""
  from input_pipeline.catalog.source_spec import SourceSpec
  from input_pipeline.poses.skeleton_mapping import describe_mapping
  from input_pipeline.readers.registry import READERS
  from input_pipeline.skeletons.registry import get_skeleton
  from input_pipeline.storage.paths import is_remote

  reader = READERS.get(_POSES.format.value or '')
  resamples = reader is not None and 'short_side' in reader.options
  source = SourceSpec(
    _DATASET.value,
    {
      'format': _POSES.format.value,
      'poses': _POSES.poses.value,
      'skeleton': _POSES.skeleton.value,
      'options': _POSES.options(short_side=_SHORT_SIDE.value if resamples else None),
      # Downloads are stored on this host.
      'data_dir': None if is_remote(root) else root,
      'annotations': _ANNOTATIONS.value,
      'group_by': _GROUP_BY.value,
      'segments': _segments(),
    },
  )
  if not _MAP_TO.value:
    return source
  target = get_skeleton(_MAP_TO.value)
  print(describe_mapping(source.open().skeleton, target), flush=True)
  return SourceSpec(source.dataset, {**source.options, 'map_to': _MAP_TO.value})


def _segments():
  """How the videos are cut into windows; None without --segments."""
  options = _given(_TIERS, _WINDOW, _STRIDE, _BACKGROUND)
  if not _SEGMENTS.value:
    _refuse(options, '--segments')
    return None
  from input_pipeline.annotations.training_windows import SegmentOptions, tier_names

  options['tiers'] = tier_names(_TIERS.value or ())
  return SegmentOptions(_SEGMENTS.value, **options)


def _beam():
  """The settings of --runner; None without it."""
  if not _RUNNER.value:
    return None
  from input_pipeline.export.beam import BeamSettings

  options = tuple(f'--{option}' for option in _BEAM_OPTIONS.value or ())
  return BeamSettings(_RUNNER.value, _NUM_WORKERS.value, options)


def _map_settings():
  """The flags that are set and say how maps are stored.

  Raises:
    UsageError: for a flag that does not apply to the representation or the runner.
  """
  maps = _given(_SHORT_SIDE, _SIGMA)
  potion = _given(_CHANNELS, _WEIGHTS)
  heatmaps = _given(_MODALITIES, _PART_WIDTH)
  if _REPRESENTATION.value == 'keypoints':
    _refuse(maps | _given(_WORKERS), '--representation=heatmaps or potion')
  if _REPRESENTATION.value != 'potion':
    _refuse(potion, '--representation=potion')
  if _REPRESENTATION.value != 'heatmaps':
    _refuse(heatmaps, '--representation=heatmaps')
  if _RUNNER.value and _WORKERS.value is not None:
    raise UsageError(
      '--workers are threads of one process; with --runner, give --num_workers'
    )
  if not _RUNNER.value:
    _refuse(_given(_NUM_WORKERS, _BEAM_OPTIONS), '--runner')
  return {**maps, **potion, **heatmaps}


def _refuse(flags, condition):
  """Raises UsageError for flags that need another flag."""
  if flags:
    raise UsageError(f'--{" and --".join(flags)} can only be set with {condition}')


def _given(*flags):
  """The values of those flags that are set, by name."""
  return {flag.name: flag.value for flag in flags if flag.value is not None}
