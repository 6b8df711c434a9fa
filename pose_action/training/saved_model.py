"""A model as a workdir keeps it: rebuilt from its checkpoint, which needs nothing else."""

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

from input_pipeline.skeletons.registry import Skeleton
from pose_action.runtime import sharding
from pose_action.training import run_data
from pose_action.training.checkpoints import SavedCheckpoints
from pose_action.training.model_registry import build_model


class SavedModelError(ValueError):
  """A workdir whose model cannot be had."""


@dataclasses.dataclass(frozen=True, eq=False)
class SavedModel:
  """A checkpoint's model and all that belongs to it.

  Attributes:
    config: of the run.
    class_names: by index.
    skeleton: of the maps that the model reads.
    variables: parameters and BatchNorm statistics, whole on every device of the mesh.
    step: of the checkpoint.
  """

  config: ml_collections.ConfigDict
  class_names: tuple[str, ...]
  skeleton: Skeleton
  model: nn.Module
  variables: dict[str, Any]
  step: int


def load_model(
  workdir: str | os.PathLike[str], *, checkpoint: str = 'best', mesh: Mesh
) -> SavedModel:
  """The model of a workdir of `main.py`, or of imported weights.

  Args:
    checkpoint: 'best' on validation (the last where nothing was validated), or 'last'.
    mesh: whose devices take the variables.

  Raises:
    FileNotFoundError: where there is no checkpoint.
    SavedModelError: for another checkpoint, or a workdir of an incompatible version.
  """
  if checkpoint not in ('best', 'last'):
    raise SavedModelError(f"checkpoint is {checkpoint!r}; it is 'best' or 'last'")
  with contextlib.closing(SavedCheckpoints(os.fspath(workdir))) as saved:
    best = saved.best_step if checkpoint == 'best' else None
    step = saved.latest_step if best is None else best
    description = saved.run_description(step)
    config = ml_collections.ConfigDict(description['config'])
    class_names = tuple(description['class_names'])
    skeleton = Skeleton.from_dict(description['skeleton'])
    try:
      model = build_model(config.model, len(class_names))
      example = run_data.example_maps(config, skeleton)
    except (AttributeError, KeyError, TypeError) as error:
      raise SavedModelError(
        f'{workdir} was made by another version of this library: {error}'
      ) from error
    shapes = jax.eval_shape(
      functools.partial(model.init, train=False), jax.random.key(0), example
    )
    place = sharding.replicated(mesh)
    shapes = jax.tree.map(
      lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=place), shapes
    )
    variables = saved.restore_variables(step, shapes)
  return SavedModel(config, class_names, skeleton, model, variables, step)
