"""Runs a pose network on videos and writes a data set, to train and test on.

  python tools/extract_poses.py --videos=FOLDER --extractor=tf_graph --weights=graph.pb \\
    --modalities=joints,parts --dataset=mine --data_dir=~/pose_action_data

--videos is a video; a folder of frames; a folder that holds several of these, as
ROOT/video or ROOT/class/video; or a list: *.txt with lines `path[ label]`, or *.csv with
columns path, label, split. The result is two data sets: heatmaps, and keypoints, which
are the highest point of each joint map (one person). Videos that cannot be read are left
out, listed with the reason, and counted. Run the same command again to resume an
interrupted extraction.
"""

from pose_action.cli.launch.program import Flags, UsageError, refuse_arguments

FLAGS = Flags()
_VIDEOS = FLAGS.string(
  'videos', None, 'Video, folder or list to read; see above.', required=True
)
_EXTRACTOR = FLAGS.enum(
  'extractor',
  None,
  ['openpose', 'tf_graph'],
  "The pose network: OpenPose's COCO network as PA3D uses it, or a frozen TensorFlow"
  ' graph.',
  required=True,
)
_WEIGHTS = FLAGS.string(
  'weights',
  None,
  "Weights of the pose network: OpenPose's as a PyTorch file or *.npz, or the frozen"
  ' graph (*.pb).',
  required=True,
)
_MODALITIES = FLAGS.list(
  'modalities',
  ['joints'],
  'Which maps to store: joints, parts (part affinity fields), features.',
)
_DATASET = FLAGS.string('dataset', None, 'Name of the data set.', required=True)
_DATA_DIR = FLAGS.string('data_dir', None, 'Folder for all data sets.', required=True)
_STRIDE = FLAGS.integer('stride', 1, 'Read every N-th frame.', lower_bound=1)
_SHORT_SIDE = FLAGS.integer(
  'short_side', 64, 'Map cells on the shorter side of the frame.', lower_bound=1
)
_THRESHOLD = FLAGS.float(
  'threshold',
  0.05,
  'Values below this are set to 0 in joint maps and part affinity fields, and joints with'
  ' a lower peak are missing.',
  lower_bound=0,
  upper_bound=0.99,
)
_CLIP_FRAMES = FLAGS.integer(
  'clip_frames',
  500,
  'Maximum number of frames per clip; longer videos become several clips.',
  lower_bound=1,
)
_BATCH_SIZE = FLAGS.integer(
  'batch_size', 8, 'Frames per batch, over all devices.', lower_bound=1
)
_SCALES = FLAGS.list(
  'scales',
  None,
  'openpose: scales at which frames are read; their maps are averaged.'
  ' Default: 0.5,1.0,1.5,2.0.',
)
_BASE_HEIGHT = FLAGS.integer(
  'base_height',
  None,
  'openpose: frame height in pixels at scale 1, such as 368. Default: the height of the'
  ' frames.',
  lower_bound=1,
)
_INPUT_SIZE = FLAGS.string(
  'input_size',
  None,
  'tf_graph: WIDTHxHEIGHT in pixels to resize frames to, multiples of 16. 656x496 finds'
  ' joints more exactly and takes twice as long. Default: 432x368.',
)
_PIXELS = FLAGS.enum(
  'pixels',
  None,
  ['signed', 'unit', 'raw'],
  'tf_graph: how pixels x in 0..255 enter the graph: x/128-1 (signed), x/255 (unit), or x'
  ' (raw). Default: signed.',
)
_TENSORS = FLAGS.list(
  'tensors',
  None,
  'tf_graph: names of the input, the maps (19 joint maps, then 38 part affinity fields)'
  ' and the features; the last may be empty.'
  ' Default: image:0,Openpose/concat_stage7:0,feat_concat:0.',
)
_OVERWRITE = FLAGS.bool('overwrite', False, 'Replace the data set if it exists.')


def main(args):
  refuse_arguments(args)
  extractor_options = _extractor_options()

  # Imported here, so that --help and mistyped flags are answered at once.
  from pose_action.extraction.extract import ExtractionOptions, extract_dataset
  from pose_action.extraction.registry import make_extractor
  from pose_action.extraction.video_list import list_videos
  from pose_action.host.progress import say

  summary = extract_dataset(
    list_videos(_VIDEOS.value),
    make_extractor(_EXTRACTOR.value, _WEIGHTS.value, **extractor_options),
    dataset=_DATASET.value,
    data_dir=_DATA_DIR.value,
    options=ExtractionOptions(
      modalities=tuple(_MODALITIES.value),
      stride=_STRIDE.value,
      short_side=_SHORT_SIDE.value,
      threshold=_THRESHOLD.value,
      clip_frames=_CLIP_FRAMES.value,
      batch_size=_BATCH_SIZE.value,
    ),
    overwrite=_OVERWRITE.value,
    progress=say,
  )
  print(summary)


def _extractor_options():
  """The options that are set for the extractor, by name.

  Raises:
    UsageError: for an option of another extractor, or a value that is not valid.
  """
  by_extractor = {
    'openpose': {
      'scales': _SCALES.value and _numbers(_SCALES.value),
      'base_height': _BASE_HEIGHT.value,
    },
    'tf_graph': {
      'input_size': _INPUT_SIZE.value and _size(_INPUT_SIZE.value),
      'pixels': _PIXELS.value,
      'tensors': _TENSORS.value and _three_names(_TENSORS.value),
    },
  }
  for extractor, options in by_extractor.items():
    given = [f'--{name}' for name, value in options.items() if value is not None]
    if extractor != _EXTRACTOR.value and given:
      raise UsageError(
        f'{" and ".join(given)} can only be set with --extractor={extractor}'
      )
  options = by_extractor[_EXTRACTOR.value]
  if _EXTRACTOR.value == 'openpose':
    options['batch_size'] = _BATCH_SIZE.value
  return {name: value for name, value in options.items() if value is not None}


def _three_names(words):
  if len(words) != 3:
    raise UsageError(
      f'--tensors has {len(words)} names, but needs 3: input, maps and features; the last'
      ' may be empty, as in image:0,maps:0,'
    )
  return tuple(words)


def _numbers(words):
  try:
    return tuple(float(word) for word in words)
  except ValueError as error:
    raise UsageError(
      f'--scales is {",".join(words)}, but needs numbers, such as 0.5,1'
    ) from error


def _size(text):
  """(width, height) of --input_size."""
  from input_pipeline.poses.frame_size import parse_frame_size

  height, width = parse_frame_size(text, '--input_size')
  return width, height
