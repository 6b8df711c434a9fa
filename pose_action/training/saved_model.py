"""Rebuilds a trained model from a checkpoint alone."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from typing import Any

import flax.linen as nn
import jax
import ml_collections
from jax.sharding import Mesh

from input_pipeline.errors import shortened
from input_pipeline.skeletons.registry import Skeleton
from pose_action.runtime import sharding
from pose_action.training import input_settings
from pose_action.training.checkpoint_digests import (
  CheckpointError,
  DamagedCheckpointError,
)
from pose_action.training.clip_times import ClipTimes
from pose_action.training.model_registry import build_model
from pose_action.training.past_configs import with_missing_fields
from pose_action.training.saved_checkpoints import SavedCheckpoints, step_folders

_LONGEST_REASON = 500


class SavedModelError(ValueError):
  """The model could not be loaded from the workdir."""


@dataclasses.dataclass(frozen=True, eq=False)
class SavedModel:
  """A model with its variables, and the description of its run.

  Attributes:
    config: the run's config; a field that it lacks has its past default.
    class_names: by class index.
    skeleton: the joint layout of the maps that the model reads.
    variables: the parameters that `config.eval.weights` names and BatchNorm statistics,
      replicated over the mesh.
    step: the checkpoint's step.
    clip_times: lengths and rates of the training clips; None if unknown, as for imported
      weights and runs of earlier releases.
    background_class: the class that is no action; '' if there is none.
  """

  config: ml_collections.ConfigDict
  class_names: tuple[str, ...]
  skeleton: Skeleton
  model: nn.Module
  variables: dict[str, Any]
  step: int
  clip_times: ClipTimes | None = None
  background_class: str = ''


def load_model(
  workdir: str | os.PathLike[str], *, checkpoint: str = 'best', mesh: Mesh
) -> SavedModel:
  """Loads the model of a trained run or of imported weights.

  Args:
    checkpoint: 'best' on validation (the last if nothing was validated), or 'last'.
    mesh: the devices that get the variables.

  Raises:
    FileNotFoundError: if the workdir has no checkpoint.
    SavedModelError: for another value of `checkpoint`, or a workdir made by an
      incompatible version of this library.
  """
  if checkpoint not in ('best', 'last'):
    raise SavedModelError(f"checkpoint is {checkpoint!r}; give 'best' or 'last'")
  only_last = checkpoint == 'last'
  try:
    with contextlib.closing(
      SavedCheckpoints(os.fspath(workdir), only_last=only_last)
    ) as saved:
      best = None if only_last else saved.best_step
      step = saved.latest_step if best is None else best
      description = saved.run_description(step)
      rebuilt = _rebuilt(workdir, description, mesh)
      weights = rebuilt.config.eval.weights
      variables = saved.restore_variables(step, rebuilt.variables, weights)
  except CheckpointError as error:
    raise SavedModelError(f'{error}{_remedy(error)}') from error
  return dataclasses.replace(rebuilt, variables=variables, step=step)


def _remedy(error: CheckpointError) -> str:
  """What to do about damage that is not in the last checkpoint."""
  if not isinstance(error, DamagedCheckpointError):
    return ''
  newest, *_ = step_folders(error.folder.parent) or [error.folder]
  if newest == error.folder:
    return ''
  return '; to predict with the last checkpoint, give --checkpoint=last'


def _rebuilt(
  workdir: str | os.PathLike[str], description: dict[str, Any], mesh: Mesh
) -> SavedModel:
  """The model with the shapes of its variables in their place."""
  class_names = tuple(description['class_names'])
  try:
    config = with_missing_fields(description['config'])
    times = ClipTimes.from_dict(description.get('clip_times'))
    skeleton = Skeleton.from_dict(description['skeleton'])
    # Runs of earlier releases state it in their config, if anywhere.
    background = description.get('background_class', config.data.segments.background)
    model = build_model(config.model, len(class_names))
    shapes = jax.eval_shape(
      functools.partial(model.init, train=False),
      jax.random.key(0),
      input_settings.example_input(config, skeleton),
    )
  except Exception as error:  # Whatever a model makes of sizes that do not fit it.
    reason = shortened(' '.join(str(error).split()), _LONGEST_REASON)
    raise SavedModelError(
      f'{workdir} was made by another version of this library: {reason}; use that'
      ' version, or train in a new --workdir'
    ) from error
  place = sharding.replicated(mesh)
  shapes = jax.tree.map(
    lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=place), shapes
  )
  return SavedModel(
    config, class_names, skeleton, model, shapes, 0, times, str(background)
  )
