"""Recognise human actions from pose: PA3D and JMRN in JAX.

  model = pose_action.load('RUN')              # any workdir: trained, or imported weights
  clip = pose_action.PoseClip.from_arrays(xy, scores, frame_size=(720, 1280),
                                          skeleton='coco_17')
  prediction = model(clip)
  print(prediction.label, prediction.top(3))

  source = pose_action.read_poses('poses/', format='openpose', skeleton='body_25')
  print(pose_action.validate(source))
  pose_action.export_dataset(source, dataset='mine', representation='keypoints',
                             data_dir='data')
  pose_action.train('pa3d_jhmdb:quick', 'RUN')
  pose_action.evaluate('RUN')

Everything is imported when it is first used, so `import pose_action` costs nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import pathlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from input_pipeline.errors import PoseDataError, PoseDatasetError, SkeletonError
  from input_pipeline.export.export import export_dataset
  from input_pipeline.poses.clip import PoseClip
  from input_pipeline.poses.notes import PoseWarning
  from input_pipeline.readers.registry import Reader, register_reader
  from input_pipeline.skeletons.registry import Skeleton, register_skeleton
  from pose_action.api import (
    cut_segments,
    evaluate,
    load,
    read_poses,
    train,
    validate,
  )
  from pose_action.fusion.fuse import FusedScores, fuse_scores
  from pose_action.inference.ensemble_predictor import EnsemblePredictor
  from pose_action.inference.prediction import Prediction
  from pose_action.inference.predictor import Predictor, PredictorError
  from pose_action.training.model_registry import register_model

__version__ = '0.1.0'

# Where each public name lives.
_HOMES = {
  'EnsemblePredictor': 'pose_action.inference.ensemble_predictor',
  'FusedScores': 'pose_action.fusion.fuse',
  'PoseClip': 'input_pipeline.poses.clip',
  'PoseDataError': 'input_pipeline.errors',
  'PoseDatasetError': 'input_pipeline.errors',
  'PoseWarning': 'input_pipeline.poses.notes',
  'Prediction': 'pose_action.inference.prediction',
  'Predictor': 'pose_action.inference.predictor',
  'PredictorError': 'pose_action.inference.predictor',
  'Reader': 'input_pipeline.readers.registry',
  'Skeleton': 'input_pipeline.skeletons.registry',
  'SkeletonError': 'input_pipeline.errors',
  'cut_segments': 'pose_action.api',
  'evaluate': 'pose_action.api',
  'export_dataset': 'input_pipeline.export.export',
  'fuse_scores': 'pose_action.fusion.fuse',
  'load': 'pose_action.api',
  'read_poses': 'pose_action.api',
  'register_model': 'pose_action.training.model_registry',
  'register_reader': 'input_pipeline.readers.registry',
  'register_skeleton': 'input_pipeline.skeletons.registry',
  'train': 'pose_action.api',
  'validate': 'pose_action.api',
}
# The packages that are installed beside this one.
_SIBLINGS = ('configs', 'input_pipeline', 'jmrn_jax', 'model_lib', 'pa3d_jax')

__all__ = [
  'EnsemblePredictor',
  'FusedScores',
  'PoseClip',
  'PoseDataError',
  'PoseDatasetError',
  'PoseWarning',
  'Prediction',
  'Predictor',
  'PredictorError',
  'Reader',
  'Skeleton',
  'SkeletonError',
  '__version__',
  'cut_segments',
  'evaluate',
  'export_dataset',
  'fuse_scores',
  'load',
  'read_poses',
  'register_model',
  'register_reader',
  'register_skeleton',
  'train',
  'validate',
]


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  refuse_hidden_packages()
  from pose_action.host.extras import naming_the_extra

  with naming_the_extra():
    value = getattr(importlib.import_module(_HOMES[name]), name)
  globals()[name] = value
  return value


def __dir__() -> list[str]:
  return __all__


def refuse_hidden_packages():
  """Refuses to run if a user's own folder hides one of this library's packages.

  Raises:
    ImportError: naming the folder and the package that it hides.
  """
  home = pathlib.Path(__file__).resolve().parents[1]
  for name in _SIBLINGS:
    module = sys.modules.get(name)
    spec = module.__spec__ if module else importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec else None
    found = [pathlib.Path(place).resolve() for place in places or ()]
    if home / name not in found:
      where = found[0] if found else (spec.origin if spec else 'nowhere')
      raise ImportError(
        f'{where} hides the package {name!r} of pose_action, which is in {home / name}:'
        f' rename that {name!r}, or run Python from another folder'
      )
