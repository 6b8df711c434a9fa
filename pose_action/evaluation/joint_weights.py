"""Tables and pictures of a model's joint weights (JMRN Sec. 4.3, Fig. 2)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from input_pipeline.skeletons.other_people import has_others, one_person
from input_pipeline.skeletons.registry import Skeleton
from pose_action import plots
from pose_action.evaluation.evaluation import Evaluation

_PANELS = 24  # Ours: more figures in one picture would be too small.
_DECIMALS = 6


def joint_weight_tables(evaluation: Evaluation) -> dict[str, list[Sequence[Any]]]:
  """Tables by name, each with a heading; empty if the model does not weigh joints.

  `joint_weights` has a row per video, with its classes joined by '; '.
  `joint_weights_per_class` has the mean over each class's clips, with empty cells for a
  class without clips.
  """
  weights, names = evaluation.joint_weights, evaluation.joint_names
  if weights is None:
    return {}
  classes = np.array(evaluation.class_names, np.str_)
  per_video = [
    (video, '; '.join(classes[own > 0]), *_rounded(row))
    for video, own, row in zip(
      evaluation.video_ids, evaluation.has_class, weights, strict=True
    )
  ]
  clips = evaluation.has_class.sum(axis=0, dtype=int).tolist()
  per_class = [
    (name, count, *_rounded(row))
    for name, count, row in zip(
      evaluation.class_names, clips, _class_means(evaluation, weights), strict=True
    )
  ]
  return {
    'joint_weights': [('video_id', 'class', *names), *per_video],
    'joint_weights_per_class': [('class', 'clips', *names), *per_class],
  }


# The same pictures go to files and to TensorBoard.
@functools.lru_cache(maxsize=1)
def joint_weight_images(
  evaluation: Evaluation,
) -> dict[str, UInt8[np.ndarray, 'h w 3']]:
  """Pictures by name; empty if the model does not weigh joints.

  `joint_weights` shows the mean per class, same as in JMRN Fig. 2.
  `joint_weights_skeleton` shows standing figures: the mean over all clips, then the
  means per class; of many classes, those that differ most from the mean. If other people
  have their own joints, a second figure shows them.
  """
  weights, skeleton = evaluation.joint_weights, evaluation.skeleton
  if weights is None or skeleton is None:
    return {}
  class_means = _class_means(evaluation, weights)
  overall = weights.mean(axis=0, dtype=np.float64)
  shown = _farthest(class_means, overall, _PANELS - 1)
  titles = ['all clips', *(evaluation.class_names[i] for i in shown)]
  panels = np.concatenate([overall[None], class_means[shown]])
  names = evaluation.joint_names
  titles, panels, joints, limbs = _figures(titles, panels, names, skeleton)
  return {
    'joint_weights': plots.joint_weights_image(
      class_means, evaluation.class_names, names
    ),
    'joint_weights_skeleton': plots.skeleton_weights_image(
      panels, titles, joints, limbs
    ),
  }


def _figures(
  titles: Sequence[str],
  panels: Float[np.ndarray, 'n j'],
  names: Sequence[str],
  skeleton: Skeleton,
) -> tuple[list[str], np.ndarray, Sequence[str], Sequence[tuple[str, str]]]:
  """Titles, weights, joints and limbs of the figures; two per title with other people."""
  if not has_others(skeleton) or len(names) != skeleton.num_joints:
    return list(titles), panels, names, skeleton.limbs
  person = one_person(skeleton)
  return (
    [f'{title}{who}' for title in titles for who in ('', ', others')],
    panels.reshape(-1, person.num_joints),
    person.joints,
    person.limbs,
  )


def _class_means(
  evaluation: Evaluation, weights: Float[np.ndarray, 'b j']
) -> Float[np.ndarray, 'k j']:
  """The mean over each class's clips; NaN for a class without clips."""
  has_class = evaluation.has_class.astype(np.float64)
  clips = has_class.sum(axis=0)[:, None]
  return np.where(clips > 0, has_class.T @ weights / np.maximum(clips, 1), np.nan)


def _farthest(
  class_means: Float[np.ndarray, 'k j'], overall: Float[np.ndarray, 'j'], most: int
) -> list[int]:
  """Up to `most` classes whose means differ most from `overall`, by index."""
  distances = np.linalg.norm(class_means - overall, axis=1)
  with_clips = np.flatnonzero(np.isfinite(distances))
  order = np.argsort(-distances[with_clips], kind='stable')
  return sorted(with_clips[order[:most]].tolist())


def _rounded(row: np.ndarray) -> list[float | str]:
  return ['' if np.isnan(weight) else round(float(weight), _DECIMALS) for weight in row]
