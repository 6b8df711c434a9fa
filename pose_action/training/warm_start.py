"""Starts a run with modules from another run's model (PA3D Sec. 4.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from pose_action.training.saved_model import SavedModel
from pose_action.training.step import TrainState

_SHOWN = 5


def start_from(
  state: TrainState,
  saved: SavedModel,
  modules: Sequence[str],
  report: Callable[[str], object],
) -> TrainState:
  """Copies the arrays of some modules from a saved model into a fresh state.

  Arrays are matched by name and shape. An array that does not fit, such as a classifier
  for other classes, keeps its random values, and the report names it. The optimiser's
  state stays fresh.

  Args:
    state: the state of a run that has not started.
    modules: top-level module names, such as 'action_cnn'.
    report: prints a line.

  Raises:
    ValueError: if either model lacks a module, or no array fits.
  """
  theirs = _arrays(saved.variables, modules)
  ours = _arrays(state.variables(), modules)
  _check_modules('the saved model', saved.variables, modules)
  _check_modules("this run's model", state.variables(), modules)
  fits = {n for n in ours if n in theirs and theirs[n].shape == ours[n].shape}
  if not any(name[0] == 'params' for name in fits):
    raise ValueError(
      f'no array of {", ".join(modules)} fits the saved model: their shapes differ; set'
      ' the same config.model.features, or leave config.train.init_from empty'
    )

  def chosen(path, array):
    name = _name(path)
    return jax.device_put(theirs[name], array.sharding) if name in fits else array

  variables = jax.tree_util.tree_map_with_path(chosen, state.variables())
  report(_summary(ours, theirs, fits, saved.step))
  params = variables.pop('params')
  # A copy, because the training step's arguments are donated: no two may share memory.
  average = None if state.average is None else jax.tree.map(jnp.copy, params)
  return dataclasses.replace(
    state, params=params, collections=variables, average=average
  )


def _check_modules(whose: str, variables: Any, modules: Sequence[str]):
  present = variables['params']
  missing = [name for name in modules if name not in present]
  if missing or not modules:
    raise ValueError(
      f'config.train.init_modules is {tuple(modules)}, but {whose} has the modules'
      f' {", ".join(sorted(present))}; give some of these'
    )


def _name(path) -> tuple[str, ...]:
  """An array's name: (collection, module, …, array)."""
  return tuple(key.key for key in path)


def _arrays(variables: Any, modules: Sequence[str]) -> dict[tuple[str, ...], Any]:
  """The arrays of some modules, by name."""
  leaves = jax.tree_util.tree_leaves_with_path(variables)
  named = {_name(path): leaf for path, leaf in leaves}
  return {name: array for name, array in named.items() if name[1] in modules}


def _summary(ours: dict, theirs: dict, fits: set, step: int) -> str:
  line = f'{len(fits)} of {len(ours)} arrays are from the saved model at step {step}'
  others = [
    f'{"/".join(name[1:])} {ours[name].shape}'
    + (f' (saved: {theirs[name].shape})' if name in theirs else ' (not saved)')
    for name in ours
    if name not in fits
  ]
  if not others:
    return line
  more = f' and {len(others) - _SHOWN} more' if len(others) > _SHOWN else ''
  return f'{line}; newly initialised: {", ".join(others[:_SHOWN])}{more}'
