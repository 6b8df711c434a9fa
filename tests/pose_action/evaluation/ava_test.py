"""Frame mAP for files of scores on a small AVA tree, worked by hand."""

import csv
import dataclasses
import io

import ava_tree
import numpy as np
import pytest

from input_pipeline.annotations.ava import Annotations
from pose_action.evaluation.ava import frame_map
from pose_action.evaluation.score_files import Scores

BEND, STAND, WATCH = CLASS_NAMES = tuple(ava_tree.CLASSES.values())
LEFT, RIGHT, NOBODY = ava_tree.LEFT, ava_tree.RIGHT, ava_tree.NOBODY


@pytest.fixture
def annotations(tmp_path):
  """At 902 s the right person bends and the left one stands and watches; 903: swapped."""
  return Annotations(ava_tree.write(tmp_path))


def scores_of(*rows, class_names=CLASS_NAMES):
  """Each row is (second, corners, (scores per class))."""
  names = [f'{ava_tree.VAL},{second:04},{",".join(box)}' for second, box, _ in rows]
  named = None if class_names is None else np.array(class_names)
  values = np.array([values for *_, values in rows], float)
  return Scores('file.npz', np.array(names), values, class_names=named)


TRUE = [
  (902, LEFT, (0.1, 0.9, 0.8)),
  (902, RIGHT, (0.7, 0.1, 0.2)),
  (903, LEFT, (0.8, 0.2, 0.1)),
  (903, RIGHT, (0.2, 0.8, 0.3)),
]


def test_all_right(annotations):
  figures = frame_map(scores_of(*TRUE), annotations)
  assert figures.precisions.tolist() == [1, 1, 1]
  assert figures.positives.tolist() == [2, 2, 2]
  text = str(figures)
  # The middle person, walking at 902, has none of the classes but is a true box.
  assert '4 scored boxes on 2 frames, 5 true boxes on 2' in text
  assert 'frame mAP at IoU 0.5: 100.00%, the mean over the 3 of 3 classes' in text


def test_a_second_box_and_one_of_nobody_cost_what_they_do_in_the_official_rules(
  annotations,
):
  rows = [
    (902, ava_tree.NEARLY_LEFT, (0.0, 0.90, 0.9)),
    (902, LEFT, (0.1, 0.85, 0.0)),  # The same person: wrong.
    (902, RIGHT, (0.7, 0.10, 0.0)),
    (903, NOBODY, (0.9, 0.95, 0.1)),
    (903, RIGHT, (0.2, 0.80, 0.0)),
  ]
  figures = frame_map(scores_of(*rows), annotations)
  # Bend: nobody, right, then three others; the left person at 903 is missed: (1/2) / 2.
  # Stand: nobody, right, repeated, right: (1/2 + 1/2) / 2. Watch: right; then of three
  # boxes with score 0 the last is right, after nobody: (1 + 2/5) / 2.
  np.testing.assert_allclose(figures.precisions, [1 / 4, 1 / 2, 7 / 10])


def test_excluded_seconds_are_left_out(annotations):
  # The left person stands at 904; if it counted, the first in rank would be wrong.
  wrong = (904, LEFT, (1.0, 0.0, 0.0))
  figures = frame_map(scores_of(*TRUE, wrong), annotations)
  assert figures.precisions.tolist() == [1, 1, 1]
  assert '1 scored boxes on excluded seconds ignored' in str(figures)


def test_people_on_frames_without_boxes_are_not_found(annotations):
  figures = frame_map(scores_of(*TRUE[:2]), annotations)
  assert figures.precisions.tolist() == [0.5, 0.5, 0.5]
  assert '1 frames with true boxes have no scored box' in str(figures)


def test_classes_are_matched_by_name_and_others_are_passed_over(annotations):
  rows = [(s, box, (w, 0.5, b, st)) for s, box, (b, st, w) in TRUE]
  named = (WATCH, 'walk', BEND, STAND)  # Walk is not a listed action.
  figures = frame_map(scores_of(*rows, class_names=named), annotations)
  assert figures.precisions.tolist() == [1, 1, 1]


def test_without_names_classes_stand_as_listed_or_by_all_ids(annotations):
  listed = frame_map(scores_of(*TRUE, class_names=None), annotations)
  rows = []
  for second, box, values in TRUE:
    of_all = np.full(80, 0.99)
    of_all[[0, 11, 79]] = values
    rows.append((second, box, of_all))
  by_id = frame_map(scores_of(*rows, class_names=None), annotations)
  assert listed.precisions.tolist() == by_id.precisions.tolist() == [1, 1, 1]


def test_the_official_script_counts_the_50_highest_of_a_frame(annotations, monkeypatch):
  monkeypatch.setattr('pose_action.evaluation.ava.OFFICIAL_MOST', 2)
  figures = frame_map(scores_of(*TRUE), annotations)
  assert figures.precisions.tolist() == [1, 1, 1]
  # At 902 the left person's standing and watching remain, at 903 the two highest.
  assert figures.official_precisions.tolist() == [0.5, 1, 0.5]
  assert 'only the 2 highest scores per frame' in str(figures)


def test_each_class_has_a_line(annotations):
  annotations.actions[7] = 'jump/leap'  # Nobody jumps.
  rows = [(second, box, (*values, 0.5)) for second, box, values in TRUE]
  figures = frame_map(
    scores_of(*rows, class_names=(*CLASS_NAMES, 'jump/leap')), annotations
  )
  table = list(csv.DictReader(io.StringIO(figures.class_csv().decode())))
  assert [row['class'] for row in table] == [*CLASS_NAMES, 'jump/leap']
  assert table[2] == {
    'class': WATCH,
    'id': '80',
    'true_boxes': '2',
    'average_precision': '1.0',
    'average_precision_of_50': '1.0',
  }
  assert (table[3]['true_boxes'], table[3]['average_precision']) == ('0', '')
  assert 'mean over the 3 of 4 classes' in str(figures)


def test_what_is_no_box_of_the_split_is_refused(annotations):
  scores = scores_of(*TRUE)
  scores.video_ids[2] = 'clip_7'
  with pytest.raises(
    ValueError, match=r"file\.npz: 'clip_7' does not name a box of AVA"
  ):
    frame_map(scores, annotations)
  foreign = scores_of(*TRUE)
  names = [name.replace(ava_tree.VAL, ava_tree.TRAIN[0]) for name in foreign.video_ids]
  foreign = dataclasses.replace(foreign, video_ids=np.array(names))
  with pytest.raises(
    ValueError, match=r"1 videos that are not in ava_val.*'-5KQ66BBWC4'; g"
  ):
    frame_map(foreign, annotations)


def test_other_classes_are_refused(annotations):
  with pytest.raises(
    ValueError, match=r"lacks 1 of the 3 classes in the list, .*'bend"
  ):
    frame_map(scores_of(*TRUE, class_names=('bow', STAND, WATCH)), annotations)
  rows = [(second, box, (*values, 0.5)) for second, box, values in TRUE]
  with pytest.raises(
    ValueError, match=r'4 classes without .* the 3 classes in the list, or for all 80'
  ):
    frame_map(scores_of(*rows, class_names=None), annotations)
