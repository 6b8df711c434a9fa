"""Gives a data set of `pose-action extract` its labels, without extracting again.

  pose-action label --dataset=mine --data_dir=data --labels=labels.csv

--labels is a table with a column id (a clip, or the video of several clips) or path (of a
video), and one or more of label, split, group and fps. It is entered into the data set's
own table, DATA_DIR/DATASET/poses/videos.csv, which you may as well edit yourself; then
leave --labels out. Beside it are the poses of each clip, one JSON file per clip: joints
that you correct there count too. The data set's keypoints are written again from these
files; its maps stay as the network made them, with the new labels.
"""

from pose_action.cli.launch.program import Flags, refuse_arguments

FLAGS = Flags()
_DATASET = FLAGS.string('dataset', None, 'Name of the data set.', required=True)
_DATA_DIR = FLAGS.string('data_dir', None, 'Folder for all data sets.', required=True)
_LABELS = FLAGS.string('labels', None, 'Table *.csv with labels; see above.')


def main(args):
  refuse_arguments(args)

  # Imported here, so that --help and mistyped flags are answered at once.
  from pose_action.extraction.relabel import relabel
  from pose_action.host.progress import say

  written = relabel(_DATASET.value, _DATA_DIR.value, _LABELS.value, say)
  for summary in written:
    print(summary)
