"""Members' predictions as one, with members that say what they are told.

tests/pose_action/ensembles/experiment_test.py opens a trained ensemble.
"""

import warnings
from typing import Any

import numpy as np
import pytest

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import PoseWarning
from input_pipeline.skeletons.registry import Skeleton
from pose_action.fusion.fused_members import FusedMembers
from pose_action.inference.ensemble_predictor import EnsemblePredictor
from pose_action.inference.errors import PredictorError
from pose_action.inference.prediction import Prediction

NAMES = ('run', 'wave')
JOINTS = ('head', 'tail')


SKELETON = Skeleton(name='two', joints=JOINTS, limbs=(JOINTS,))


def clip(name: str) -> PoseClip:
  return PoseClip(name, np.ones((1, 1, 2, 2)), np.ones((1, 1, 2)), (10, 10), SKELETON)


class Member:
  """Says the same of every clip, and notes the batches that it was given."""

  class_names = NAMES
  multi_label = False

  def __init__(self, probabilities, joint_weights=None, joints=JOINTS, step=1):
    self.says = np.array(probabilities, np.float32), joint_weights, joints
    self.step = step
    self.batches = []

  def start(self, clips, *, batch_size):
    self.batches.append([one.video_id for one in clips])
    warnings.warn('joints are mapped', PoseWarning, stacklevel=2)
    probabilities, weights, joints = self.says
    return lambda: [
      Prediction(one.video_id, NAMES, probabilities, joints, weights) for one in clips
    ]


def fused(members: dict[str, Any], weights) -> EnsemblePredictor:
  folders = {name: f'members/{name}' for name in members}
  return EnsemblePredictor(members, FusedMembers(folders, np.array(weights), 2.0))


@pytest.mark.filterwarnings('ignore::input_pipeline.poses.notes.PoseWarning')
def test_probabilities_are_fused_and_members_shown():
  model = fused({'a': Member([0.9, 0.1]), 'b': Member([0.2, 0.8], step=7)}, [1.0, 0.5])
  prediction = model(clip('v'))
  # (log 9 + log(1/4) / 2) / 2 = log(4.5) / 2.
  odds = np.sqrt(4.5)
  np.testing.assert_allclose(prediction.probabilities[0], odds / (1 + odds), rtol=1e-6)
  assert prediction.probabilities.dtype == np.float32
  assert prediction.label == 'run' and prediction.joint_weights is None
  assert [(n, round(p, 6)) for n, p in prediction.of_members()] == [
    ('a', 0.9),
    ('b', 0.2),
  ]
  assert round(dict(prediction.of_members('wave'))['b'], 6) == 0.8
  assert (model.step, model.multi_label, model.class_names) == (7, False, NAMES)


@pytest.mark.filterwarnings('ignore::input_pipeline.poses.notes.PoseWarning')
def test_clips_are_read_a_batch_at_a_time():
  members = {'a': Member([0.5, 0.5]), 'b': Member([0.5, 0.5])}
  model = fused(members, [0.5, 0.5])
  read = []

  def clips():
    for name in 'uvw':
      read.append(name)
      yield clip(name)

  assert [p.video_id for p in model.predict(clips(), batch_size=2)] == list('uvw')
  assert members['b'].batches == [['u', 'v'], ['w']]
  with pytest.raises(PredictorError, match='batch_size is 0, but must be at least 1'):
    model.predict([], batch_size=0)


@pytest.mark.filterwarnings('ignore::input_pipeline.poses.notes.PoseWarning')
@pytest.mark.parametrize(
  ('weights', 'expected'),
  [([1.0, 3.0, 5.0, 9.0], [0.75, 0.5]), ([-1.0, 0.0, 5.0, 9.0], [0.5, 0.5])],
)
def test_joint_weights_are_the_weighted_mean(weights, expected):
  """Over members with weights for the same joints; equal where none counts."""
  half = [0.5, 0.5]
  members = {
    'a': Member(half, np.array([0.0, 0.5], np.float32)),
    'b': Member(half, np.array([1.0, 0.5], np.float32)),
    'c': Member(half),
    'd': Member(half, np.ones(3, np.float32), (*JOINTS, 'background')),
  }
  prediction = fused(members, weights)(clip('v'))
  np.testing.assert_allclose(prediction.joint_weights, expected)
  assert prediction.joints == JOINTS


def test_mapped_joints_are_warned_of_once():
  model = fused({'a': Member([0.5, 0.5]), 'b': Member([0.5, 0.5])}, [0.5, 0.5])
  with pytest.warns(PoseWarning, match='joints are mapped') as warned:
    model(clip('v'))
  assert len(warned) == 1


@pytest.mark.filterwarnings('ignore::input_pipeline.poses.notes.PoseWarning')
def test_errors_name_the_member():
  def refuse(clips, *, batch_size):
    raise PredictorError('no maps')

  broken = Member([0.5, 0.5])
  broken.start = refuse
  with pytest.raises(PredictorError, match=r"^member 'b': no maps$"):
    fused({'a': Member([0.5, 0.5]), 'b': broken}, [0.5, 0.5])(clip('v'))
  broken.class_names = ('run', 'sit')
  message = "member 'b' has the classes run, sit, but the first member has run, wave"
  with pytest.raises(PredictorError, match=message):
    fused({'a': Member([0.5, 0.5]), 'b': broken}, [0.5, 0.5])
