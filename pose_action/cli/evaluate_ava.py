"""Measures frame mAP on AVA v2.1 as the official evaluation does.

  python tools/evaluate_ava.py --scores=/tmp/jmrn_ava/scores_val.npz --annotations=ava

A file of scores is written by a run or by tools/fuse_scores.py, or comes from another
model: `video_ids` (text: video,second,x1,y1,x2,y2, with the box in shares of the frame)
and `scores` [boxes, classes], with `class_names` or in the order of the action list. If
the scores are logits, add `:sigmoid` to the file's name. ANNOTATIONS is the folder with
AVA's csv files and its list of 60 actions (see input_pipeline/annotations/ava.py).

The mAP in a run's own results is another figure: it takes each box as a clip, so it
ignores people for whom no box was detected, and people who were detected twice.
"""

from pose_action.cli.launch.program import Flags, refuse_arguments
from pose_action.host import atomic_files
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_SCORES = FLAGS.string('scores', None, 'File of scores (*.npz).', required=True)
_ANNOTATIONS = FLAGS.string(
  'annotations', None, "Folder with AVA's annotation files.", required=True
)
_PER_CLASS = FLAGS.string(
  'per_class', None, "CSV file to write every class's figures to."
)


def main(args):
  refuse_arguments(args)

  # Imported here, so that --help and mistyped flags are answered at once.
  from input_pipeline.annotations.ava import Annotations
  from pose_action.evaluation.ava import frame_map
  from pose_action.evaluation.score_files import read_scores

  folder = user_path(_ANNOTATIONS.value)
  figures = frame_map(read_scores(_SCORES.value), Annotations(folder))
  if _PER_CLASS.value:
    atomic_files.write_bytes(user_path(_PER_CLASS.value), figures.class_csv())
  print(figures)
  if _PER_CLASS.value:
    print(f'Figures per class: {_PER_CLASS.value}')
