"""Frame mAP on AVA v2.1 of a file of scores, as the official evaluation measures it.

  python tools/evaluate_ava.py --scores=/tmp/jmrn_ava/scores_val.npz --annotations=ava

The file is what a run leaves, or tools/fuse_scores.py, or an outside model's: `video_ids`
(text: video,second,x1,y1,x2,y2, the box as shares of the frame) and `scores` [boxes,
classes], with `class_names` or in the order of the list of actions. After its name
`:sigmoid` says that they are logits. ANNOTATIONS is the folder with AVA's csv files and
its list of 60 actions (input_pipeline/annotations/ava.py says which).

A run's own results have the mAP of boxes taken for clips, which is another figure: it
knows nothing of people that no box was found for, nor of a person found twice.
"""

import pathlib

from pose_action.cli.program import Flags, refuse_arguments
from pose_action.host import atomic_files

FLAGS = Flags()
_SCORES = FLAGS.string('scores', None, 'The file of scores.', required=True)
_ANNOTATIONS = FLAGS.string(
  'annotations', None, "The folder of AVA's files.", required=True
)
_PER_CLASS = FLAGS.string('per_class', None, "Takes every class's figures, csv.")


def main(args):
  refuse_arguments(args)

  # Only now, so that --help and wrong flags are answered at once.
  from input_pipeline.annotations.ava import Annotations
  from pose_action.evaluation.ava import frame_map
  from pose_action.evaluation.score_files import read_scores

  folder = pathlib.Path(_ANNOTATIONS.value).expanduser()
  figures = frame_map(read_scores(_SCORES.value), Annotations(folder))
  if _PER_CLASS.value:
    atomic_files.write_bytes(
      pathlib.Path(_PER_CLASS.value).expanduser(), figures.class_csv()
    )
  print(figures)
  if _PER_CLASS.value:
    print(f'Each class: {_PER_CLASS.value}')
