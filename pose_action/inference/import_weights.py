"""Weights of other releases, as a workdir like that of a run of our own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import pickle
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from input_pipeline.skeletons.registry import get_skeleton
from jmrn_jax.official_weights import (
  OfficialWeights,
  WeightsError,
  variables_from_state_dict,
)
from pose_action.training import optimizers
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.model_registry import build_model
from pose_action.training.step import TrainState, initial_state

PathLike = str | os.PathLike[str]

# Of the official release's maps (official code); its network drops the background.
JMRN_OFFICIAL_SKELETON = 'jmrn_official_background'


def read_jmrn_official(path: PathLike) -> OfficialWeights:
  """The weights in a checkpoint file of the official JMRN release.

  The file is a pickle, which can run any program; PyTorch reads it with nothing but
  tensors and plain containers allowed.

  Raises:
    WeightsError: where PyTorch is not installed, refuses the file, or finds something
      other than the official network's tensors in it.
    OSError: where the file cannot be opened.
  """
  state = _load_state_dict(pathlib.Path(path).expanduser())
  try:
    return variables_from_state_dict(state)
  except WeightsError as error:
    raise WeightsError(f'{path}: {error}') from error


def _load_state_dict(path: pathlib.Path) -> Mapping[str, np.ndarray]:
  try:
    import torch  # pyright: ignore[reportMissingImports]
  except ImportError as error:
    raise WeightsError(
      f"{path} is a file of PyTorch, which is not installed: pip install '.[torch]'"
    ) from error
  try:
    content = torch.load(path, map_location='cpu', weights_only=True)
  except OSError:
    raise
  # A broken or foreign file can raise nearly anything.
  except Exception as error:
    raise WeightsError(
      f'{path} is refused, and nothing in it was executed: it is no PyTorch file of'
      f' tensors alone ({_reason(error)}). Give the file that the official training'
      ' saved'
    ) from error
  if not isinstance(content, Mapping) or not all(
    isinstance(name, str) and isinstance(tensor, torch.Tensor)
    for name, tensor in content.items()
  ):
    raise WeightsError(
      f'{path} holds a {type(content).__name__}, but not the tensors of a state dict by'
      ' name; give the file that the official training saved'
    )
  return {name: tensor.numpy() for name, tensor in content.items()}


def _reason(error: Exception) -> str:
  """What PyTorch objects to, without its advice to load the file unsafely."""
  lines = str(error).splitlines()
  told = [line for line in lines if 'unsupported' in line.lower()]
  if not told and not isinstance(error, pickle.UnpicklingError):
    told = lines[:1]
  return ': '.join([type(error).__name__, *told])


def jmrn_official_config(
  config: ml_collections.ConfigDict, weights: OfficialWeights
) -> ml_collections.ConfigDict:
  """An experiment of JMRN with the sizes of these weights, on the official maps.

  Raises:
    WeightsError: for weights of other joints than OpenPose's 18; the release can be
      trained on such, but then nothing says which joint is which.
  """
  joints = get_skeleton(JMRN_OFFICIAL_SKELETON).num_joints
  if weights.num_joints != joints:
    raise WeightsError(
      f'the weights are of {weights.num_joints} joints, but only those of the'
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
  """The flags of main.py that turn the one config into the other."""
  flags = []
  changed = _leaves(config.to_dict())
  for name, value in _leaves(published.to_dict()).items():
    if changed[name] != value:
      flags.append(f'--config.{name}={changed[name]}')
  return flags


def _leaves(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
  leaves = {}
  for name, value in tree.items():
    if isinstance(value, Mapping):
      leaves |= _leaves(value, f'{prefix}{name}.')
    else:
      leaves[prefix + name] = value
  return leaves


def read_class_names(path: PathLike | None, num_classes: int) -> tuple[str, ...]:
  """The names in a text file, one a line; class_0, class_1, … where there is none.

  Raises:
    ValueError: for a file with another number of names, or with a name twice.
  """
  if path is None:
    return tuple(f'class_{number}' for number in range(num_classes))
  lines = pathlib.Path(path).expanduser().read_text('utf-8').splitlines()
  names = tuple(line.strip() for line in lines if line.strip())
  repeated = sorted({name for name in names if names.count(name) > 1})
  if repeated:
    raise ValueError(f'{path} names {", ".join(repeated)} more than once')
  if len(names) != num_classes:
    raise ValueError(
      f'{path} has {len(names)} class names, but the weights have {num_classes} classes;'
      ' give one name a line, in the order of the classes'
    )
  return names


def write_workdir(
  weights: OfficialWeights,
  workdir: PathLike,
  *,
  config: ml_collections.ConfigDict,
  class_names: Sequence[str],
):
  """Writes what a run with these weights would leave: its config and a checkpoint.

  The checkpoint is of step 0 and complete: optimiser and key are those of a run that
  has not begun. The workdir appears whole or not at all.

  Args:
    config: as `jmrn_official_config` gives it.
    class_names: of all classes, in order.

  Raises:
    ValueError: where the workdir is already in use, or the config makes another model
      than the weights have.
  """
  # As JSON gives it back, like the description of a run of ours.
  description = json.loads(
    json.dumps(
      {
        'config': config.to_dict(),
        'class_names': list(class_names),
        # Of the maps that the model reads, so without the background.
        'skeleton': dataclasses.replace(
          get_skeleton(JMRN_OFFICIAL_SKELETON), background=False
        ).to_dict(),
      }
    )
  )
  with _new_folder(pathlib.Path(workdir).expanduser()) as folder:
    (folder / 'config.json').write_text(
      json.dumps(description['config'], indent=2) + '\n'
    )
    with contextlib.closing(Checkpoints(folder)) as checkpoints:
      checkpoints.save(0, _untrained_state(config, weights), None, description, None)
      checkpoints.wait()


@contextlib.contextmanager
def _new_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
  """A folder beside `target` that takes its place once the block has ended well."""
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
  """The state of a run before its first step, with the weights in it."""
  # Steps and epochs change numbers of the schedule, but not the optimiser's state.
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
    # What is not returned is not computed: the model's own first parameters.
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
      'config.model makes another model than these weights are of; they differ in'
      f' {", ".join(dict.fromkeys(names))}. Take the config of jmrn_official_config'
    )
