"""What a model says about one clip."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

# The label of a clip whose probabilities are all below the threshold.
NONE_OF_THESE = 'none of these'


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
  """A model's answer for one clip.

  Attributes:
    video_id: name of the clip.
    class_names: by class index `k`.
    probabilities: float32 `[k]`, averaged over the views of the clip. They sum to 1
      where a clip has one label; with several labels per clip each class has its own.
    joints: joint names, by the index of `joint_weights`; 'background' is last if the
      model reads a background map.
    joint_weights: float32 `[j]` in 0..1, how much the model relies on each joint; None
      for a model without a joint selector.
    multi_label: whether a clip may have several labels.
    members: what each member of an ensemble says by itself, by name: float32 `[k]` in
      the form of `probabilities`; empty for a single model.
    threshold: below this probability the label is `NONE_OF_THESE`; None for a model that
      always answers.
    source: what the user named: a file, a folder, a data set; '' for a clip from Python.
    labels: names of the clip's labels that are classes of the model; empty if unknown.
    load_clip: loads the clip, for files that show its poses; None if unknown.

  Example:
    >>> import numpy as np
    >>> from pose_action import Prediction
    >>> prediction = Prediction('clip1', ('run', 'wave'), np.array([0.2, 0.8]))
    >>> prediction.label
    'wave'
    >>> [(name, round(share, 1)) for name, share in prediction.top(2)]
    [('wave', 0.8), ('run', 0.2)]
  """

  video_id: str
  class_names: tuple[str, ...]
  probabilities: Float[np.ndarray, 'k']
  joints: tuple[str, ...] = ()
  joint_weights: Float[np.ndarray, 'j'] | None = None
  multi_label: bool = False
  members: Mapping[str, Float[np.ndarray, 'k']] = dataclasses.field(
    default_factory=dict
  )
  threshold: float | None = None
  source: str = ''
  labels: tuple[str, ...] = ()
  load_clip: Callable[[], Any] | None = dataclasses.field(default=None, repr=False)

  def __getstate__(self) -> dict[str, Any]:
    # What loads a clip may hold open files, which cannot go to another process.
    return {**self.__dict__, 'load_clip': None}

  @property
  def label(self) -> str:
    """Name of the most probable class; the first one of equals.

    `NONE_OF_THESE` if its probability is below the threshold.
    """
    if self.threshold is not None and self.probabilities.max() < self.threshold:
      return NONE_OF_THESE
    return self.class_names[int(self.probabilities.argmax())]

  def top(self, count: int = 5) -> list[tuple[str, float]]:
    """The `count` most probable classes with their probabilities, best first."""
    order = np.argsort(-self.probabilities, kind='stable')[:count]
    return [(self.class_names[k], float(self.probabilities[k])) for k in order]

  def of_members(self, label: str | None = None) -> list[tuple[str, float]]:
    """Each member's own probability of a class, by default of the predicted one.

    Empty for a single model.
    """
    first, _ = self.top(1)[0]
    k = self.class_names.index(first if label is None else label)
    return [(name, float(own[k])) for name, own in self.members.items()]

  def top_joints(self, count: int | None = None) -> list[tuple[str, float]]:
    """The joints with the largest weights, heaviest first; all of them by default.

    Empty for a model without a joint selector.
    """
    if self.joint_weights is None:
      return []
    order = np.argsort(-self.joint_weights, kind='stable')[:count]
    return [(self.joints[j], float(self.joint_weights[j])) for j in order]

  def save(self, path: str | os.PathLike[str]):
    """Writes the prediction to a file, see `Predictions.save`."""
    Predictions([self]).save(path)


class Predictions(list[Prediction]):
  """Predictions in order; a list that can be saved.

  Attributes:
    refused: (clip or source, reason) for all that could not be predicted.

  Example:
    >>> import json, pathlib
    >>> import numpy as np
    >>> from pose_action import Prediction, Predictions
    >>> one = Prediction('clip1', ('run', 'wave'), np.array([0.25, 0.75]))
    >>> Predictions([one]).save('answer.json')
    >>> json.loads(pathlib.Path('answer.json').read_text())['predictions'][0]['label']
    'wave'
  """

  def __init__(
    self,
    predictions: Sequence[Prediction] = (),
    refused: Sequence[tuple[str, str]] = (),
  ):
    super().__init__(predictions)
    self.refused = tuple(refused)

  def save(
    self,
    path: str | os.PathLike[str],
    progress: Callable[[str], object] | None = None,
  ):
    """Writes all predictions to a file.

    Args:
      path: *.csv, one row per clip; *.json, with everything that is known; *.npz, as
        a run's `scores_<split>.npz`, which `pose-action fuse` reads; or, with the poses,
        *.mp4, a video; *.gif, the same, small; *.html, a page with moving skeletons.
        These show one clip after another, on the frames of its video if it has one.
      progress: receives a line about once per second while these are written, with the
        time left: `print`, for example.

    Raises:
      ValueError: for another suffix, predictions of different models, or, where poses
        are shown, of `model.predict`.
      ImportError: for a video, if the extra `video` is not installed.

    Warns:
      PoseWarning: for videos that cannot be read again, and unknown frame rates.
    """
    from pose_action.inference.prediction_files import save_predictions

    save_predictions(path, self, progress)
