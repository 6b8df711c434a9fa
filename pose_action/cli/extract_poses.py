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

from pose_action.cli.launch.network_flags import define_network_flags
from pose_action.cli.launch.program import Flags, refuse_arguments

FLAGS = Flags()
_VIDEOS = FLAGS.string(
  'videos', None, 'Video, folder or list to read; see above.', required=True
)
_NETWORK = define_network_flags(FLAGS, required=True)
_MODALITIES = FLAGS.list(
  'modalities',
  ['joints'],
  'Which maps to store: joints, parts (part affinity fields), features.',
)
_DATASET = FLAGS.string('dataset', None, 'Name of the data set.', required=True)
_DATA_DIR = FLAGS.string('data_dir', None, 'Folder for all data sets.', required=True)
_SHORT_SIDE = FLAGS.integer(
  'short_side', 64, 'Map cells on the shorter side of the frame.', lower_bound=1
)
_FPS = FLAGS.float(
  'fps', None, 'Frames per second of folders of frames, and of videos without a rate.'
)
_OVERWRITE = FLAGS.bool('overwrite', False, 'Replace the data set if it exists.')


def main(args):
  refuse_arguments(args)
  _NETWORK.extractor_options()  # Mistakes in flags are found before slow imports.

  # Imported here, so that --help and mistyped flags are answered at once.
  from pose_action.extraction.extract import extract_dataset
  from pose_action.extraction.video_list import list_videos
  from pose_action.host.progress import say

  summary = extract_dataset(
    list_videos(_VIDEOS.value),
    _NETWORK.make_extractor(),
    dataset=_DATASET.value,
    data_dir=_DATA_DIR.value,
    options=_NETWORK.options(
      modalities=tuple(_MODALITIES.value),
      short_side=_SHORT_SIDE.value,
      frame_rate=_FPS.value,
    ),
    overwrite=_OVERWRITE.value,
    progress=say,
  )
  print(summary)
