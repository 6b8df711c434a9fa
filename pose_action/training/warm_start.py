"""A run that begins with parts of another run's model (PA3D Sec. 4.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax

from pose_action.training.saved_model import SavedModel
from pose_action.training.step import TrainState

_SHOWN = 5


def start_from(
  state: TrainState,
  saved: SavedModel,
  modules: Sequence[str],
  report: Callable[[str], object],
) -> TrainState:
  """The state with the arrays of those modules taken from a saved model.

  Arrays are matched by name and shape: a classifier of other classes, or a first
  convolution of other inputs, stays as it was drawn, and the report says so. The
  optimiser's state is a fresh one.

  Args:
    state: of a run that has not begun.
    modules: names at the top of the model, such as 'action_cnn'.
    report: takes a line for the terminal.

  Raises:
    ValueError: for a module that either model lacks, or none of whose arrays fits.
  """
  theirs = _arrays(saved.variables, modules)
  ours = _arrays(state.variables(), modules)
  _check_modules('the saved model', saved.variables, modules)
  _check_modules("this run's model", state.variables(), modules)
  fits = {n for n in ours if n in theirs and theirs[n].shape == ours[n].shape}
  if not any(name[0] == 'params' for name in fits):
    raise ValueError(
      f'none of the arrays of {", ".join(modules)} fits the saved model: sizes differ;'
      ' give the same config.model.features, or leave config.train.init_from empty'
    )

  def chosen(path, array):
    name = _name(path)
    return jax.device_put(theirs[name], array.sharding) if name in fits else array

  variables = jax.tree_util.tree_map_with_path(chosen, state.variables())
  report(_summary(ours, theirs, fits, saved.step))
  params = variables.pop('params')
  return dataclasses.replace(state, params=params, collections=variables)


def _check_modules(whose: str, variables: Any, modules: Sequence[str]):
  there = variables['params']
  missing = [name for name in modules if name not in there]
  if missing or not modules:
    raise ValueError(
      f'config.train.init_modules is {tuple(modules)}, but {whose} has the modules'
      f' {", ".join(sorted(there))}; name some of those'
    )


def _name(path) -> tuple[str, ...]:
  """(collection, module, …, array)."""
  return tuple(key.key for key in path)


def _arrays(variables: Any, modules: Sequence[str]) -> dict[tuple[str, ...], Any]:
  """Arrays of those modules by name."""
  leaves = jax.tree_util.tree_leaves_with_path(variables)
  named = {_name(path): leaf for path, leaf in leaves}
  return {name: array for name, array in named.items() if name[1] in modules}


def _summary(ours: dict, theirs: dict, fits: set, step: int) -> str:
  line = (
    f'{len(fits)} of {len(ours)} arrays are those of the saved model at step {step}'
  )
  others = [
    f'{"/".join(name[1:])} {ours[name].shape}'
    + (f' (there {theirs[name].shape})' if name in theirs else ' (not there)')
    for name in ours
    if name not in fits
  ]
  if not others:
    return line
  more = f' and {len(others) - _SHOWN} more' if len(others) > _SHOWN else ''
  return f'{line}; as drawn: {", ".join(others[:_SHOWN])}{more}'
