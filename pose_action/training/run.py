"""One run: its config and workdir, and all that is opened for it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import ml_collections
from jax.sharding import Mesh

from input_pipeline.export.open_or_export import open_or_export
from input_pipeline.maps.modalities import stored_modalities
from pose_action.host import atomic_files
from pose_action.host.nested import flattened
from pose_action.runtime import sharding
from pose_action.runtime.writers import RunWriter
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.predict_split import predict_split
from pose_action.training.program import Program, build_program
from pose_action.training.run_data import RunData, Split, make_run_data
from pose_action.training.step import EvaluationOutput, TrainState

# Fields that may differ when a run is resumed: they do not change what is learned.
_FREE_TO_CHANGE = (
  'data.annotations',
  'data.data_dir',
  'data.format',
  'data.poses',
  'data.read_threads',
  'data.test_split',
  'eval.batch_size',
  'train.log_every_steps',
)


class ResumeError(ValueError):
  """A workdir whose checkpoints belong to another run."""


@dataclasses.dataclass(frozen=True)
class Run:
  """What the loop works with.

  Attributes:
    description: travels in every checkpoint: config, class names, skeleton, data.
    report: takes a line for the terminal; silent on all processes but the first.
  """

  config: ml_collections.ConfigDict
  workdir: pathlib.Path
  data: RunData
  program: Program
  checkpoints: Checkpoints
  writer: RunWriter
  description: dict
  report: Callable[[str], object]

  def predict(self, state: TrainState, split: Split) -> EvaluationOutput:
    """What the model says of a split's clips, as the config evaluates."""
    return predict_split(
      state.variables(),
      split,
      self.data,
      self.program.evaluation_step,
      self.program.mesh,
      batch_size=self.config.eval.batch_size,
      num_views=self.config.eval.views,
    )


@contextlib.contextmanager
def open_run(
  config: ml_collections.ConfigDict, workdir: str, mesh: Mesh
) -> Iterator[Run]:
  """Opens data, program, checkpoints and writers; closes them whatever happens.

  Raises:
    ValueError: for a config that cannot be.
    ResumeError: for a workdir that belongs to another run.
  """
  is_primary = jax.process_index() == 0

  def report(line: str):
    if is_primary:
      print(line, flush=True)

  folder = pathlib.Path(workdir).expanduser()
  data = make_run_data(config, _open_data(config, report))
  program = build_program(config, data, mesh)
  description = _description(config, data)
  # Closed whatever happens, so that a save that has begun is finished.
  with contextlib.closing(Checkpoints(folder)) as checkpoints:
    step = checkpoints.latest_step
    if step is not None:
      saved = checkpoints.run_description(step)
      # Imported weights know of no training clips.
      _check_same_run(saved, {name: description[name] for name in saved}, folder)
    with RunWriter(folder, enabled=is_primary, resume_step=step or 0) as writer:
      if is_primary:
        atomic_files.write_json(folder / 'config.json', description['config'])
      yield Run(
        config=config,
        workdir=folder,
        data=data,
        program=program,
        checkpoints=checkpoints,
        writer=writer,
        description=description,
        report=report,
      )


def _open_data(config: ml_collections.ConfigDict, report):
  data = config.data
  return open_or_export(
    dataset=data.dataset,
    representation=data.representation,
    data_dir=data.data_dir,
    format=data.format or None,
    poses=data.poses or None,
    skeleton=data.skeleton or None,
    annotations=data.annotations or None,
    short_side=data.map_short_side,
    sigma=data.map_sigma,
    channels=data.potion.channels,
    weights=data.potion.weights,
    modalities=stored_modalities(data.modalities),
    part_width=data.part_width,
    progress=report,
    is_primary=jax.process_index() == 0,
    wait=lambda: sharding.wait_for_all('data set'),
  )


def _description(config: ml_collections.ConfigDict, data: RunData) -> dict[str, Any]:
  """What a checkpoint says of its run, as JSON gives it back."""
  ids = '\n'.join(data.train.video_ids)
  return json.loads(
    json.dumps(
      {
        'config': config.to_dict(),
        'class_names': data.class_names,
        'skeleton': data.skeleton.to_dict(),
        # The order of batches depends on the clips: other clips are another run.
        'training_clips': hashlib.sha256(ids.encode()).hexdigest(),
      }
    )
  )


def _check_same_run(
  saved: dict[str, Any], wanted: dict[str, Any], workdir: pathlib.Path
):
  saved, wanted = flattened(saved), flattened(wanted)
  differing = sorted(
    name
    for name in saved.keys() | wanted.keys()
    if saved.get(name) != wanted.get(name)
    and name.removeprefix('config.') not in _FREE_TO_CHANGE
  )
  if differing:
    changes = '; '.join(
      f'{name} was {saved.get(name)}, now {wanted.get(name)}' for name in differing[:8]
    )
    raise ResumeError(
      f'{workdir} holds a run with other settings ({changes}). Give a new --workdir, or'
      ' the settings it began with'
    )
