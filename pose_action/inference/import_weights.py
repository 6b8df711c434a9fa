"""Imports weights from other releases into a workdir like that of our own runs."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections

from input_pipeline.skeletons.registry import get_skeleton
from jmrn_jax.official_weights import (
  OfficialWeights,
  WeightsError,
  variables_from_state_dict,
)
from pose_action.host import atomic_files
from pose_action.host.nested import flattened
from pose_action.host.user_paths import user_path
from pose_action.runtime import torch_file
from pose_action.training import optimizers
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.model_registry import build_model
from pose_action.training.step import TrainState, initial_state

PathLike = str | os.PathLike[str]

# The skeleton of the release's maps (official code). Its network drops the background.
JMRN_OFFICIAL_SKELETON = 'jmrn_official_background'


def read_jmrn_official(path: PathLike) -> OfficialWeights:
  """Reads a checkpoint file of the official JMRN release; see `torch_file`.

  Raises:
    WeightsError: if PyTorch is not installed, refuses the file, or finds anything but
      the official network's tensors in it.
    OSError: if the file cannot be opened.
  """
  try:
    state = torch_file.read_state_dict(path)
  except torch_file.TorchFileError as error:
    raise WeightsError(
      f'{error}. Give the file that the official training saved'
    ) from error
  try:
    return variables_from_state_dict(state)
  except WeightsError as error:
    raise WeightsError(f'{path}: {error}') from error


def jmrn_official_config(
  config: ml_collections.ConfigDict, weights: OfficialWeights
) -> ml_collections.ConfigDict:
  """The config with the model sizes of these weights, reading the official maps.

  Raises:
    WeightsError: if the weights are not for OpenPose's 18 joints. The release can be
      trained on other joints, but its files do not say which joint is which.
  """
  joints = get_skeleton(JMRN_OFFICIAL_SKELETON).num_joints
  if weights.num_joints != joints:
    raise WeightsError(
      f'the weights are for {weights.num_joints} joints, but only weights for the'
      f" release's {joints} joints (COCO's 17 and the neck) can be imported"
    )
  config = config.copy_and_resolve_references().unlock()
  config.model.update(weights.model_fields)
  if not config.model.projection_features:
    config.train.contrastive.weight = 0.0
  config.data.encoding = 'potion'
  config.data.representation = 'potion'
  config.data.format = 'jmrn_official'
  config.data.skeleton = JMRN_OFFICIAL_SKELETON
  config.data.background = False
  config.data.potion.channels = weights.channels
  config.data.potion.weights = 'integer_break'
  return config.lock()


def config_overrides(
  published: ml_collections.ConfigDict, config: ml_collections.ConfigDict
) -> list[str]:
  """The flags of main.py that turn the `published` config into `config`."""
  changed = flattened(config.to_dict())
  return [
    f'--config.{name}={changed[name]}'
    for name, value in flattened(published.to_dict()).items()
    if changed[name] != value
  ]


def read_class_names(path: PathLike | None, num_classes: int) -> tuple[str, ...]:
  """The class names in a text file, one per line; class_0, class_1, … without a file.

  Raises:
    ValueError: if the file does not have one name per class, or repeats a name.
  """
  if path is None:
    return tuple(f'class_{number}' for number in range(num_classes))
  lines = user_path(path).read_text('utf-8').splitlines()
  names = tuple(line.strip() for line in lines if line.strip())
  repeated = sorted({name for name in names if names.count(name) > 1})
  if repeated:
    raise ValueError(f'{path} names {", ".join(repeated)} more than once')
  if len(names) != num_classes:
    raise ValueError(
      f'{path} has {len(names)} class names, but the weights have {num_classes} classes;'
      ' give one name per line, in the order of the classes'
    )
  return names


def write_workdir(
  weights: OfficialWeights,
  workdir: PathLike,
  *,
  config: ml_collections.ConfigDict,
  class_names: Sequence[str],
):
  """Writes the weights as a run would leave them: a config and a checkpoint.

  The checkpoint is complete and for step 0: its optimizer state and random key are those
  of a run that has not started. The workdir appears whole or not at all.

  Args:
    config: from `jmrn_official_config`.
    class_names: names of all classes, in order.

  Raises:
    ValueError: if the workdir is already in use, or the config describes a model that
      does not fit the weights.
  """
  # Lists instead of tuples, as JSON restores them for our own runs.
  description = json.loads(
    json.dumps(
      {
        'config': config.to_dict(),
        'class_names': list(class_names),
        # Describes the maps that the model reads, so it has no background.
        'skeleton': dataclasses.replace(
          get_skeleton(JMRN_OFFICIAL_SKELETON), background=False
        ).to_dict(),
      }
    )
  )
  with _new_folder(user_path(workdir)) as folder:
    atomic_files.write_json(folder / 'config.json', description['config'])
    with contextlib.closing(Checkpoints(folder)) as checkpoints:
      checkpoints.save(0, _untrained_state(config, weights), None, description, None)
      checkpoints.wait()


@contextlib.contextmanager
def _new_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
  """A new folder beside `target`, renamed to `target` if the block raises nothing."""
  if target.exists() and (not target.is_dir() or any(target.iterdir())):
    raise ValueError(
      f'{target} is already in use; give a --workdir that is new or empty'
    )
  unfinished = target.with_name(f'.{target.name}.import-{os.getpid()}')
  unfinished.mkdir(parents=True)
  try:
    yield unfinished
    unfinished.replace(target)
  except BaseException:
    shutil.rmtree(unfinished)
    raise


def _untrained_state(
  config: ml_collections.ConfigDict, weights: OfficialWeights
) -> TrainState:
  """The state of a run before its first step, but with these weights."""
  # The numbers of steps and epochs do not affect the optimizer's initial state.
  schedule = optimizers.make_schedule(
    config.optimizer, total_steps=1, steps_per_epoch=1
  )
  fresh_state = functools.partial(
    initial_state,
    build_model(config.model, weights.num_classes),
    optimizers.make_optimizer(config.optimizer, schedule),
    optimizers.make_plateau(config.optimizer),
    jax.ShapeDtypeStruct(
      (1, weights.num_joints, *config.data.map_size, weights.channels), jnp.float32
    ),
  )
  collections = dict(weights.variables)
  params = collections.pop('params')
  _check_shapes(
    jax.eval_shape(fresh_state, jnp.int32(0)).variables(), weights.variables
  )

  @jax.jit
  def without_variables(seed):
    # XLA removes unused outputs, so the model's own parameters are never computed.
    return dataclasses.replace(fresh_state(seed), params=None, collections=None)

  state = without_variables(jnp.int32(config.seed))
  return dataclasses.replace(state, params=params, collections=collections)


def _check_shapes(wanted: Any, found: Any):
  wanted, found = (
    {
      '/'.join(str(key.key) for key in path): leaf.shape
      for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }
    for tree in (wanted, found)
  )
  if wanted != found:
    names = sorted(name for name, _ in wanted.items() ^ found.items())
    raise ValueError(
      'config.model does not fit the weights; their shapes differ in'
      f' {", ".join(dict.fromkeys(names))}. Use the config from jmrn_official_config'
    )
