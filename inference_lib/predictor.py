"""The old place of `Predictor`: use `pose_action.load(workdir)`."""

import warnings

from pose_action.inference.predictor import Predictor, PredictorError

__all__ = ['Predictor', 'PredictorError']

warnings.warn(
  'inference_lib.predictor is gone in the next release: use'
  ' `pose_action.load(workdir)`, or `from pose_action import Predictor`. A call returns a'
  ' Prediction now (label, probabilities, joint_weights)',
  FutureWarning,
  stacklevel=2,
)
