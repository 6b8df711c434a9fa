"""An ensemble from start to end, and any experiment: the way in for every command."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import ml_collections
from jax.sharding import Mesh

from pose_action.ensembles.fit import FusionFit
from pose_action.ensembles.fused_results import (
  HeldOut,
  fit_on_held_out,
  write_fused_results,
)
from pose_action.ensembles.member_runs import (
  MemberRun,
  run_here,
  say,
  train_members,
)
from pose_action.ensembles.members import (
  final_config,
  has_members,
  held_out_config,
  member_configs,
)
from pose_action.fusion.fused_members import FusedMembers, is_ensemble, read_ensemble
from pose_action.host import atomic_files
from pose_action.host.user_paths import user_path
from pose_action.runtime import sharding
from pose_action.training import experiment
from pose_action.training.fold_rule import with_fold_rule
from pose_action.training.resume import ResumeError, check_same_settings
from pose_action.training.run import open_data, sole_job
from pose_action.training.run_data import RunData, make_run_data
from pose_action.training.saved_config import get_config

_CONFIG = 'config.json'


def train_and_evaluate(
  config: ml_collections.ConfigDict,
  workdir: str,
  *,
  trains: bool = True,
  evaluates: bool = True,
  jobs: int = 1,
  mesh: Mesh | None = None,
) -> dict[str, Any] | None:
  """Trains (or resumes) and evaluates what a config describes: a model, or an ensemble.

  An ensemble is a config with `members`. Each member trains without the held-out training
  clips and predicts them (`held_out/`), and trains on all training clips (`members/`). On
  the former predictions the weights and the temperature are fitted; with these the latter
  runs' predictions for the test split are fused.

  Args:
    config: see `configs/shared/base.py`.
    workdir: the output folder.
    trains: False evaluates what was trained before.
    evaluates: False leaves the test split untouched.
    jobs: members to train at a time, see `member_runs.train_members`.
    mesh: all devices by default.

  Returns:
    The content of `results.json`; None if nothing was evaluated.

  Raises:
    ValueError: for an invalid config, a missing data set, or a workdir that holds
      another run.
    TrainingDiverged: if a loss, a gradient or a score is not finite.
    TrainingStopped: after Ctrl-C or SIGTERM, when the state is saved.
  """
  folder = user_path(workdir)
  saved = _saved_members(folder)
  if not has_members(config):
    if saved is not None:
      raise ResumeError(
        f'{folder} holds an ensemble, but this config has no members; give a new'
        " --workdir, or the ensemble's config"
      )
    return experiment.train_and_evaluate(
      config, workdir, trains=trains, evaluates=evaluates, mesh=mesh
    )
  ensemble = _Ensemble.of(with_fold_rule(config, folder), folder)
  _check_same_ensemble(ensemble, saved)
  if not trains:
    return ensemble.evaluate(mesh) if evaluates else None
  with sole_job(folder):
    return ensemble.train(jobs, mesh, evaluates=evaluates)


def _saved_members(folder: pathlib.Path) -> dict[str, dict[str, Any]] | None:
  """The members' configs that a workdir's ensemble was begun with; None without one."""
  if not (folder / _CONFIG).is_file():
    return None
  saved = get_config(folder / _CONFIG)
  if not has_members(saved):
    return None
  return {name: one.to_dict() for name, one in member_configs(saved).items()}


@dataclasses.dataclass(frozen=True)
class _Ensemble:
  """The config of an ensemble, its members' configs, and its folder."""

  config: ml_collections.ConfigDict
  members: dict[str, ml_collections.ConfigDict]
  workdir: pathlib.Path

  @classmethod
  def of(cls, config: ml_collections.ConfigDict, workdir: pathlib.Path) -> _Ensemble:
    return cls(config, member_configs(config), workdir)

  def train(
    self, jobs: int, mesh: Mesh | None, *, evaluates: bool
  ) -> dict[str, Any] | None:
    data = self._open_data()
    if sharding.is_first():
      atomic_files.write_json(self.workdir / _CONFIG, self.config.to_dict())
    # Nothing in the final runs depends on the first ones, so no job waits for another.
    runs = [*self.held_out_runs(), *self.final_runs(evaluates=evaluates)]
    train_members(runs, jobs=jobs, mesh=mesh)
    fit = self._fit(data)
    if fit is None:
      return {} if evaluates else None
    say(str(fit))
    fused = FusedMembers(self._folders(), fit.weights, fit.temperature)
    fused.write(self.workdir)
    return self._write(data, fit, fused) if evaluates else None

  def evaluate(self, mesh: Mesh | None) -> dict[str, Any]:
    """Evaluates every member again, and fuses them as `ensemble.json` says."""
    if not is_ensemble(self.workdir):
      raise ResumeError(
        f'there is no trained ensemble in {self.workdir}; train first (--mode=train, or'
        ' train_and_evaluate)'
      )
    data = self._open_data()
    for run in (*self.held_out_runs(), *self.final_runs(evaluates=True)):
      if run.split:
        run_here(run, trains=False, mesh=mesh)
    fit = self._fit(data)
    if fit is None:
      return {}
    return self._write(data, fit, read_ensemble(self.workdir))

  def held_out_runs(self) -> list[MemberRun]:
    return [
      self._run(f'held_out/{name}', held_out_config(member), 'validation')
      for name, member in self.members.items()
    ]

  def final_runs(self, *, evaluates: bool) -> list[MemberRun]:
    split = self.config.data.test_split if evaluates else ''
    return [
      self._run(folder, final_config(self.members[name]), split)
      for name, folder in self._folders().items()
    ]

  def _run(self, name: str, config: ml_collections.ConfigDict, split: str) -> MemberRun:
    return MemberRun(name, config, self.workdir / name, split)

  def _folders(self) -> dict[str, str]:
    return {name: f'members/{name}' for name in self.members}

  def _open_data(self) -> RunData:
    """Opens or exports the data set, and checks every member's settings against it."""
    found = []
    for name, member in self.members.items():
      dataset = open_data(member, say)
      try:
        found.append(make_run_data(member, dataset))
      except ValueError as error:
        raise ValueError(f'member {name!r}: {error}') from error
    data = found[0]
    if data.validation is None:
      raise ValueError(
        f'config.data.validation_fold is {self.config.data.validation_fold}, but no clip'
        ' is in it, and the weights of an ensemble are fitted on held-out clips; give'
        ' another fold, or config.data.fold_rule=2'
      )
    say(f'ensemble of {len(self.members)}: {", ".join(self.members)}')
    say(f'weights are fitted on {data.holdout}')
    return data

  def _fit(self, data: RunData) -> FusionFit | None:
    """Weights and temperature; None on processes other than 0, which write nothing."""
    if not sharding.is_first():
      return None
    return fit_on_held_out(self._held_out(), data)

  def _held_out(self) -> HeldOut:
    return {run.name.partition('/')[2]: run.workdir for run in self.held_out_runs()}

  def _write(
    self, data: RunData, fit: FusionFit, fused: FusedMembers
  ) -> dict[str, Any]:
    return write_fused_results(
      self.workdir, self.config, data, self._held_out(), fit, fused
    )


def _check_same_ensemble(ensemble: _Ensemble, saved: dict[str, dict[str, Any]] | None):
  """Raises ResumeError if the workdir holds a single model or another ensemble."""
  folder = ensemble.workdir
  if saved is None:
    if (folder / _CONFIG).is_file() or (folder / 'checkpoints').is_dir():
      raise ResumeError(
        f'{folder} holds the run of a single model, but this config is an ensemble; give'
        ' a new --workdir'
      )
    return
  if not any(folder.glob('*/*/checkpoints/[0-9]*')):
    return  # Nothing is trained yet, so that a mistake in the config can be mended.
  if saved.keys() != ensemble.members.keys():
    raise ResumeError(
      f'{folder} holds an ensemble of {", ".join(saved)}, but this config has'
      f' {", ".join(ensemble.members)}; give a new --workdir'
    )
  for name, member in ensemble.members.items():
    try:
      check_same_settings(saved[name], member, folder)
    except ResumeError as error:
      raise ResumeError(f'member {name!r}: {error}') from error
