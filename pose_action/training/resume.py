"""Starting a run or resuming it, and the check that a workdir holds the same run.

A checkpoint describes its run. Its config may come from an earlier version of the
library, so that both configs are compared with their missing fields filled in.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import grain
import jax
import jax.numpy as jnp
import ml_collections
from clu import parameter_overview

from input_pipeline.errors import shortened
from input_pipeline.loading.loader import HostShare, training_batches
from pose_action.host.garbage import search_paused
from pose_action.host.nested import flattened
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.data_digests import data_digests
from pose_action.training.left_open import LeftOpen
from pose_action.training.past_configs import with_missing_fields
from pose_action.training.run_data import RunData
from pose_action.training.saved_checkpoints import SavedCheckpoints
from pose_action.training.saved_model import load_model
from pose_action.training.step import TrainState
from pose_action.training.warm_start import start_from

if TYPE_CHECKING:
  from pose_action.training.run import TrainingRun

# Fields that may differ when a run is resumed: they do not change what is learned, or
# only its float32 rounding, same as another device would.
_FREE_TO_CHANGE = (
  'data.annotations',
  'data.data_dir',
  'data.format',
  'data.fps',
  'data.frame_size',
  'data.normalized',
  'data.poses',
  'data.read_threads',
  'data.segments.file',
  'data.test_split',
  'data.trust_order',
  'eval.batch_size',
  'eval.calibrate',
  'model.convolution_algorithm',
  'model.encoder',
  'model.filter_folding',
  'model.windows',
  'train.fast_cpu_convolutions',
  'train.log_every_steps',
  'train.quick_compilation',
  'train.rematerialize',
)
# What the digests in a description are of. A difference explains those below it.
_DATA = {
  'data_digests.names': 'the names of the clips',
  'data_digests.labels': 'the labels of the clips',
  'training_clips': 'the division into training and validation clips',
  'data_digests.content': 'the joints or maps of the clips',
  'data_digests.shards': "the content of the data set's files",
}
_SHOWN, _LONGEST = 8, 200


class ResumeError(ValueError):
  """The workdir has no checkpoint, or its checkpoints belong to another run."""


def describe_run(config: ml_collections.ConfigDict, data: RunData) -> dict[str, Any]:
  """The description that each checkpoint holds, in the form that JSON restores."""
  ids = '\n'.join(data.train.video_ids)
  return json.loads(
    json.dumps(
      {
        'config': config.to_dict(),
        'class_names': data.class_names,
        'background_class': data.background_class,
        'skeleton': data.skeleton.to_dict(),
        # The order of batches depends on the clips: other clips make another run.
        'training_clips': hashlib.sha256(ids.encode()).hexdigest(),
        'data_digests': data_digests(data),
        'clip_times': data.clip_times.to_dict(),
      }
    )
  )


def check_same_run(
  checkpoints: Checkpoints | SavedCheckpoints,
  description: dict[str, Any],
  workdir: pathlib.Path,
):
  """Compares a run with the latest checkpoint in its workdir, if there is one.

  Args:
    description: see `describe_run`.

  Raises:
    ResumeError: for a checkpoint that belongs to another run.
  """
  step = checkpoints.latest_step
  if step is None:
    return
  saved = checkpoints.run_description(step)
  # Imported weights have no training clips, and earlier versions no digests of them.
  wanted = {name: description.get(name) for name in saved}
  if isinstance(digests := saved.get('data_digests'), dict):
    found = description['data_digests']
    wanted['data_digests'] = {n: found[n] for n in digests if n in found}
  wanted = _comparable(wanted)
  saved = _comparable(saved)
  differing = sorted(
    name
    for name in saved.keys() | wanted.keys()
    if saved.get(name) != wanted.get(name) and not _is_free(name, saved)
  )
  if settings := [name for name in differing if name not in _DATA]:
    raise _other_settings(settings, saved, wanted, workdir)
  if differing:
    what = next(text for name, text in _DATA.items() if name in differing)
    raise ResumeError(
      f'{workdir} holds a run on other data: {what} changed. Give the data set that the'
      ' run started with, or a new --workdir'
    )


def check_same_settings(
  saved: Mapping[str, Any], config: ml_collections.ConfigDict, workdir: pathlib.Path
):
  """Compares a run's config with the one saved for it, before there is a checkpoint.

  Args:
    saved: nested dict of the saved config's fields.

  Raises:
    ResumeError: for settings that must not change.
  """
  before, now = (
    _comparable({'config': json.loads(json.dumps(fields))})
    for fields in (saved, config.to_dict())
  )
  differing = sorted(
    name
    for name in before.keys() | now.keys()
    if before.get(name) != now.get(name) and not _is_free(name, before)
  )
  if differing:
    raise _other_settings(differing, before, now, workdir)


def _other_settings(
  names: Sequence[str],
  saved: Mapping[str, Any],
  wanted: Mapping[str, Any],
  workdir: pathlib.Path,
) -> ResumeError:
  changes = '; '.join(
    f'{_short(name)} was {_short(saved.get(name))}, now {_short(wanted.get(name))}'
    for name in names[:_SHOWN]
  )
  return ResumeError(
    f'{workdir} holds a run with other settings ({changes}). Give a new --workdir, or'
    ' the settings that the run started with'
  )


def _short(value: Any) -> str:
  return shortened(str(value), _LONGEST)


def _is_free(name: str, saved: dict[str, Any]) -> bool:
  """Whether a field may change; not the test split if the run is selected on it."""
  if name == 'config.data.test_split':
    return saved.get('config.data.validate_on') != 'test'
  if name.startswith('clip_times.'):  # Describes the clips, and changes nothing.
    return True
  return name.removeprefix('config.') in _FREE_TO_CHANGE


def _comparable(description: dict[str, Any]) -> dict[str, Any]:
  """The description as dotted names, with the past defaults of missing fields."""
  config = with_missing_fields(description['config']).to_dict()
  return flattened({**description, 'config': config})


@search_paused()
def start_or_resume(
  run: TrainingRun,
) -> tuple[TrainState, grain.DatasetIterator, LeftOpen | None]:
  """A fresh state and iterator, or both restored from the latest checkpoint.

  The third value is what a stop left open, if the run was stopped at the checkpoint.
  """
  iterator = training_batches(
    run.data.train.records,
    run.data.train.indices,
    run.data.clip_settings,
    batch_size=run.program.batch_size,
    seed=run.config.seed,
    classes=run.data.train.labels if run.config.data.balance else None,
    host=HostShare(jax.process_index(), jax.process_count()),
    read_threads=run.data.read_threads,
  )
  step = run.checkpoints.latest_step
  if step is None:
    return _fresh_state(run), iterator, None
  state = run.checkpoints.restore_state(step, run.program.state_shapes)
  run.checkpoints.restore_iterator(step, iterator)
  run.report(f'resuming from step {step} of {run.program.total_steps}')
  left_open = run.checkpoints.left_open(step)
  return state, iterator, LeftOpen(**left_open) if left_open else None


def _fresh_state(run: TrainingRun) -> TrainState:
  """An initial state, with the modules that `config.train.init_from` names."""
  state = run.program.initial_state(jnp.int32(run.config.seed))
  train = run.config.train
  if train.init_from:
    saved = load_model(train.init_from, mesh=run.program.mesh)
    state = start_from(state, saved, train.init_modules, run.report)
  _introduce(run, state)
  return state


def _introduce(run: TrainingRun, state: TrainState):
  """Reports the model's parameters, the numbers of clips and of steps."""
  overview = parameter_overview.get_parameter_overview(state.params)
  run.report(overview)
  run.writer.write_text(0, {'parameters': f'```\n{overview}\n```'})
  held_out = run.data.validation
  run.report(
    f'{len(run.data.train.indices)} training clips,'
    f' {len(held_out.indices) if held_out else 0} for validation'
    f'{" (the test split)" if run.config.data.validate_on == "test" else ""};'
    f' {run.program.total_steps} steps on {run.program.mesh.size} device(s),'
    ' compiling the first'
  )
  clips, rows = len(run.data.train.indices), run.program.batch_size
  if clips < rows:
    run.report(
      f'note: {clips} training clips are fewer than config.train.batch_size {rows}, so'
      f' an epoch is one step that makes {rows / clips:.3g} passes over the clips;'
      f' {run.config.train.epochs} epochs make'
      f' {run.config.train.epochs * rows / clips:.3g} passes'
    )
