"""Runs a frozen TensorFlow graph as a pose network, frame by frame.

The defaults fit the OpenPose-like networks of tf-pose-estimation (MobileNet and others):
19 joint maps and 38 part affinity fields in the order of OpenPose's COCO model, which is
our skeleton's order. This file is one of two that import TensorFlow.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from input_pipeline.skeletons.registry import Skeleton, get_skeleton
from pose_action.extraction.extractor import (
  OPENPOSE_SKELETON,
  ExtractorError,
  NetworkMaps,
)
from pose_action.extraction.tf_operations import foreign_operations
from pose_action.extraction.weights_file import fingerprint
from pose_action.host.extras import missing
from pose_action.host.user_paths import user_path
from pose_action.host.video_libraries import opencv

PathLike = str | os.PathLike[str]

DEFAULT_INPUT_SIZE = (432, 368)  # (width, height) that such networks are trained at.
# How pixels in 0..255 enter the network. Such networks are trained with 'signed'.
PIXELS = {
  'signed': lambda pixels: pixels / 128 - 1,
  'unit': lambda pixels: pixels / 255,
  'raw': lambda pixels: pixels,
}


@dataclasses.dataclass(frozen=True)
class GraphTensors:
  """The names of a graph's tensors.

  Attributes:
    image: input `[1, h, w, 3]`, in blue, green and red.
    maps: output `[1, h, w, 57]`: joint maps, then part affinity fields.
    features: output `[1, h, w, c]`; '' for no features.
    signed_features: whether features may be negative.
  """

  image: str = 'image:0'
  maps: str = 'Openpose/concat_stage7:0'
  features: str = 'feat_concat:0'
  # They are outputs of MobileNetV2's linear bottlenecks, which no ReLU follows.
  signed_features: bool = True


class TfGraphExtractor:
  """A frozen TensorFlow 1 graph as a `PoseExtractor`.

  Frames are run one at a time: such a graph may normalize by the statistics of its batch,
  and a frame's maps must not depend on its neighbours.

  Stored features cannot be negative. Features that may be become two maps each: first
  max(x, 0) of all features, then max(-x, 0) (our choice, after CReLU: Shang et al., ICML
  2016).
  """

  name = 'tf_graph'

  def __init__(
    self,
    weights: PathLike,
    *,
    input_size: tuple[int, int] = DEFAULT_INPUT_SIZE,
    pixels: str = 'signed',
    tensors: GraphTensors | tuple[str, str, str] | None = None,
  ):
    """Loads the graph and runs it once.

    Args:
      weights: the frozen graph, *.pb.
      input_size: (width, height) in pixels to resize frames to.
      pixels: a key of `PIXELS`.
      tensors: the graph's tensors; a tuple names image, maps and features.

    Raises:
      ExtractorError: if TensorFlow is not installed, the file does not hold such a graph
        or holds other operations than `tf_operations.ALLOWED`, or its cells do not
        divide frames of this size.
    """
    if pixels not in PIXELS:
      raise ExtractorError(
        f'pixels is {pixels!r}, but must be one of {", ".join(PIXELS)}'
      )
    if min(input_size) < 1:
      raise ExtractorError(
        f'input_size is {input_size}, but both sides must be at least 1 pixel'
      )
    self.skeleton: Skeleton = get_skeleton(OPENPOSE_SKELETON)
    if isinstance(tensors, tuple):
      image, maps, features = tensors
      tensors = GraphTensors(image, maps, features)
    self._tensors = tensors or GraphTensors()
    self._input_size = input_size
    self._pixels = pixels
    self._weights = user_path(weights)
    self._session = _session(self._weights)
    self._check_tensors()
    self.num_features = self._checked_features()
    features = ('features',) if self.num_features else ()
    self.modalities: tuple[str, ...] = ('joints', 'parts', *features)

  @property
  def settings(self) -> Mapping[str, Any]:
    return {
      'extractor': self.name,
      'weights': fingerprint(self._weights),
      'input_size': list(self._input_size),
      'pixels': self._pixels,
      'tensors': dataclasses.asdict(self._tensors),
    }

  def __call__(self, frames: UInt8[np.ndarray, 't h w 3']) -> NetworkMaps:
    answers = [self._run(frame) for frame in frames]
    maps, features = (np.stack(arrays) for arrays in zip(*answers, strict=True))
    num_joints = self.skeleton.num_maps
    by_modality = {'joints': maps[..., :num_joints], 'parts': maps[..., num_joints:]}
    if self.num_features:
      by_modality['features'] = self._not_negative(features)
    height, width = (
      side / cells
      for side, cells in zip(frames.shape[1:3], maps.shape[1:3], strict=True)
    )
    return NetworkMaps(by_modality, cell_size=(height, width))

  def _run(
    self, frame: UInt8[np.ndarray, 'h w 3']
  ) -> tuple[Float[np.ndarray, 'h w c'], Float[np.ndarray, 'h w c']]:
    """Maps and features; twice the maps for a graph without features."""
    cv2 = opencv()
    # Such networks are trained on blue first, and on linear interpolation.
    resized = cv2.resize(
      frame[..., ::-1], self._input_size, interpolation=cv2.INTER_LINEAR
    )
    read = PIXELS[self._pixels](resized.astype(np.float32))
    outputs = [self._tensors.maps, self._tensors.features or self._tensors.maps]
    maps, features = self._session.run(outputs, {self._tensors.image: read[None]})
    return maps[0], features[0]

  def _not_negative(self, features: np.ndarray) -> np.ndarray:
    if not self._tensors.signed_features:
      return features
    return np.maximum(np.concatenate([features, -features], axis=-1), 0)

  def _check_tensors(self):
    for name in (self._tensors.image, self._tensors.maps, self._tensors.features):
      try:
        if name:
          self._session.graph.get_tensor_by_name(name)
      except (KeyError, ValueError) as error:
        inputs = [
          f'{operation.name}:0'
          for operation in self._session.graph.get_operations()
          if operation.type == 'Placeholder'
        ]
        raise ExtractorError(
          f'{self._weights} has no tensor {name!r}; its inputs are'
          f' {", ".join(inputs) or "none"}. Give the names of its tensors'
          ' (GraphTensors, --tensors)'
        ) from error

  def _checked_features(self) -> int:
    """The number of feature channels; checks the outputs for a blank frame.

    Raises:
      ExtractorError: if the outputs have other shapes than a pose network's.
    """
    width, height = self._input_size
    maps, features = self._run(np.zeros((height, width, 3), np.uint8))
    channels = self.skeleton.num_maps + 2 * len(self.skeleton.limbs)
    if maps.ndim != 3 or maps.shape[-1] != channels:
      raise ExtractorError(
        f'{self._weights}: {self._tensors.maps} has shape {maps.shape} per frame, but'
        f' must have {channels} channels: {self.skeleton.num_maps} joint maps and'
        f' {2 * len(self.skeleton.limbs)} part affinity fields'
      )
    rows, columns = maps.shape[:2]
    if height % rows or width % columns or features.shape[:2] != (rows, columns):
      raise ExtractorError(
        f'{self._weights} returns {columns}×{rows} cells (width × height) for frames of'
        f' {width}×{height} pixels, but cells must divide the frame evenly; use an'
        ' input_size with multiples of 16'
      )
    if not self._tensors.features:
      return 0
    return features.shape[-1] * (2 if self._tensors.signed_features else 1)


def _session(path: pathlib.Path) -> Any:
  """A TensorFlow session with the frozen graph in a file."""
  if not path.is_file():
    raise ExtractorError(
      f'there is no file {path}; give a frozen TensorFlow graph, *.pb'
    )
  # TensorFlow reads these when it is imported. None of its messages matter here.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
  try:
    import tensorflow as tf
  except ImportError as error:
    raise ExtractorError(
      f"extractor 'tf_graph': {missing('tensorflow')} ({error})"
    ) from error
  graph = tf.Graph()
  try:
    definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    # Before TensorFlow imports any of it.
    if foreign := foreign_operations(definition):
      raise ExtractorError(
        f'{path} holds operations that no pose network needs: {foreign}; give a frozen'
        ' graph that only computes on arrays (pose_action/extraction/tf_operations.py)'
      )
    with graph.as_default():
      tf.compat.v1.import_graph_def(definition, name='')
  except (OSError, ExtractorError):
    raise
  # A broken or foreign file can raise nearly anything.
  except Exception as error:
    raise ExtractorError(
      f'{path} is not a frozen TensorFlow graph ({type(error).__name__}: {error}); give a'
      ' GraphDef with its weights as constants, *.pb'
    ) from error
  if not graph.get_operations():
    raise ExtractorError(f'{path} holds an empty graph; give a frozen one, *.pb')
  config = tf.compat.v1.ConfigProto()
  # Otherwise TensorFlow takes all GPU memory, which JAX needs too.
  config.gpu_options.allow_growth = True
  return tf.compat.v1.Session(graph=graph, config=config)
