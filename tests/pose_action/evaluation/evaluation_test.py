"""An Evaluation checks its fields."""

import numpy as np
import pytest

from input_pipeline.skeletons.registry import get_skeleton
from pose_action.evaluation.evaluation import Evaluation

JHMDB = get_skeleton('jhmdb')
OPENPOSE = get_skeleton('openpose_18_background')


def _evaluation(**changes):
  fields = {
    'split': 'test1',
    'checkpoint': 'last',
    'step': 1600,
    'video_ids': ('v1', 'v2', 'v3', 'v4'),
    'scores': np.eye(3)[[0, 1, 1, 0]] * 0.7 + 0.1,
    'labels': [0, 0, 1, 1],
    'class_names': ('brush_hair', 'catch', 'clap'),
    'views': 10,
  }
  return Evaluation(**(fields | changes))


def test_labels_say_whether_a_clip_may_have_several():
  single = _evaluation()
  assert not single.multi_label
  assert single.labels.dtype == np.int32
  np.testing.assert_array_equal(
    single.has_class, [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
  )
  rows = np.array([[1.0, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]])
  several = _evaluation(labels=rows)
  assert several.multi_label
  assert several.labels.dtype == np.uint8
  np.testing.assert_array_equal(several.has_class, rows)


def test_joint_names_are_those_of_the_maps_that_were_weighed():
  def names(skeleton, columns):
    weights = np.full((4, columns), 0.5)
    return _evaluation(joint_weights=weights, skeleton=skeleton).joint_names

  assert names(JHMDB, 15) == JHMDB.joints
  assert names(OPENPOSE, 18) == OPENPOSE.joints
  assert names(OPENPOSE, 19) == (*OPENPOSE.joints, 'background')
  assert _evaluation().joint_names == ()


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'checkpoint': 'first'}, "split 'test1': checkpoint is 'first'; give 'last', 'av"),
    ({'split': '../test'}, 'cannot be part of a file name'),
    ({'labels': [0, 1]}, r'labels \(2,\), but 4 videos and 3 classes need \(4, 3\)'),
    ({'labels': np.zeros((4, 2))}, r'labels \(4, 2\), .* or multi-hot \(4, 3\)'),
    ({'labels': np.full((4, 3), 2)}, 'multi-hot labels must be 0 or 1'),
    ({'video_ids': ('a', 'a', 'b', 'c')}, 'a video is scored twice'),
    ({'scores': np.eye(3)[[0, 1, 2, 0]] * 9}, r'scores are in 0\.0\.\.9\.0, but must'),
    ({'scores': np.full((4, 3), np.nan)}, 'scores are in nan'),
    ({'joint_weights': np.ones((4, 15))}, 'joint_weights need a skeleton'),
    (
      {'joint_weights': np.ones((4, 16)), 'skeleton': JHMDB},
      r"shape \(4, 16\), but 4 videos with skeleton 'jhmdb' need \(4, 15\)",
    ),
    (
      {'joint_weights': np.full((4, 15), -0.5), 'skeleton': JHMDB},
      r'joint_weights are in -0\.5\.\.-0\.5',
    ),
  ],
)
def test_a_broken_evaluation_is_refused(changes, message):
  with pytest.raises(ValueError, match=message):
    _evaluation(**changes)
