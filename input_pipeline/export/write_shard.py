"""Writes one shard of an export, in this process or in a worker of Beam."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from input_pipeline.errors import PoseDataError, as_pose_data_error
from input_pipeline.export.shard_plan import Shard
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource
from input_pipeline.storage.examples import (
  AnyClip,
  load_usable_clip,
  make_example,
)
from input_pipeline.storage.features import StoredForm
from input_pipeline.storage.files import shard_path, write_shard
from input_pipeline.storage.frame_chunks import packed_example
from pose_action.host.threads import in_order

# Called after every clip with its name and the reason why it was left out, or None.
Tell = Callable[[str, str | None], object]


@dataclasses.dataclass(frozen=True)
class Recipe:
  """What all shards of a data set share; can be pickled for other processes.

  Attributes:
    form: which features are stored.
    settings: how maps are made, from `map_settings`.
    directory: where the shards are written.
    strict: whether to raise at the first clip that cannot be used.
    threads: how many render and compress maps; files are the same for any number.
  """

  form: StoredForm
  settings: Mapping[str, Any]
  directory: str
  strict: bool = False
  threads: int = 1

  def make_example(
    self, source: ClipSource, video_id: str
  ) -> tuple[AnyClip, Mapping[str, Any]]:
    """A clip and its features, all computed.

    Computed here: in the writer, an exception would end the whole export.

    Raises:
      PoseDataError: if the clip cannot be used, whatever it raises.
    """
    clip, finish = self.begin_example(source, video_id)
    return clip, finish()

  def begin_example(
    self, source: ClipSource, video_id: str
  ) -> tuple[AnyClip, Callable[[], Mapping[str, Any]]]:
    """Loads a clip; returns it, and a function that computes its features.

    All that reads the source is done here. The function renders and compresses, and may be
    called in another thread.

    Raises:
      PoseDataError: if the clip cannot be used, whatever it raises; so does the function.
    """
    with as_pose_data_error(f'clip {video_id!r} cannot be stored'):
      clip = load_usable_clip(source, video_id)
      example = make_example(source, clip, self.form.representation, self.settings)
      if not isinstance(clip, PoseClip):
        example = dict(example)  # Reads the ready maps.

    def finish() -> Mapping[str, Any]:
      with as_pose_data_error(f'clip {video_id!r} cannot be stored'):
        features = dict(example)
        if self.form.frames_per_chunk:
          features = packed_example(features, self.form.frames_per_chunk)
        return features

    return clip, finish


@dataclasses.dataclass
class ShardReport:
  """Which of a shard's clips were written.

  Attributes:
    video_ids, labels, num_frames, frame_rates: of the written clips, in record order.
    left_out: (video id, reason) for each of the other clips.
    notes: (video id, note) for what was doubtful in written clips.
    num_bytes, sha256: the file's size on disk, and its digest.
  """

  video_ids: list[str] = dataclasses.field(default_factory=list)
  labels: list[int | list[int]] = dataclasses.field(default_factory=list)
  num_frames: list[int] = dataclasses.field(default_factory=list)
  left_out: list[tuple[str, str]] = dataclasses.field(default_factory=list)
  notes: list[tuple[str, Note]] = dataclasses.field(default_factory=list)
  num_bytes: int = 0
  sha256: str = ''
  frame_rates: list[float | None] = dataclasses.field(default_factory=list)

  def to_json(self) -> str:
    return json.dumps(dataclasses.asdict(self))

  @classmethod
  def from_json(cls, text: str) -> ShardReport:
    fields = json.loads(text)
    fields['left_out'] = [(video_id, reason) for video_id, reason in fields['left_out']]
    fields['notes'] = [(video_id, Note(**note)) for video_id, note in fields['notes']]
    return cls(**fields)


def export_shard(
  source: ClipSource, shard: Shard, recipe: Recipe, tell: Tell
) -> ShardReport:
  """Writes a shard, leaving out clips that cannot be used.

  Raises:
    PoseDataError: with `recipe.strict`, the error of the first clip that cannot be used.
  """
  report = ShardReport()
  path = shard_path(
    recipe.directory, recipe.form.dataset, shard.split, shard.index, shard.num_shards
  )
  calls = (_begun(source, recipe, video_id) for video_id in shard.video_ids)
  with contextlib.closing(in_order(calls, recipe.threads)) as made:
    examples = _examples(source, made, recipe, report, tell)
    written = write_shard(path, examples, recipe.form.features())
  report.num_bytes, report.sha256 = written
  return report


class _Made(NamedTuple):
  """A clip with its features, or why it cannot be used."""

  video_id: str
  clip: AnyClip | None
  example: Mapping[str, Any]
  error: PoseDataError | None = None


def _begun(source: ClipSource, recipe: Recipe, video_id: str) -> Callable[[], _Made]:
  """Loads a clip; the function that is returned computes its features."""
  try:
    clip, finish = recipe.begin_example(source, video_id)
  except PoseDataError as error:
    refused = _Made(video_id, None, {}, error)
    return lambda: refused

  def made() -> _Made:
    try:
      return _Made(video_id, clip, finish())
    except PoseDataError as error:
      return _Made(video_id, None, {}, error)

  return made


def _examples(
  source: ClipSource,
  made: Iterable[_Made],
  recipe: Recipe,
  report: ShardReport,
  tell: Tell,
) -> Iterator[Mapping[str, Any]]:
  for video_id, clip, example, error in made:
    reason = None
    if clip is None:
      if recipe.strict and error is not None:
        raise error
      reason = str(error).removeprefix(f'clip {video_id!r}: ')
      report.left_out.append((video_id, reason))
    else:
      report.video_ids.append(video_id)
      labels = list(clip.labels)
      report.labels.append(labels if source.multi_label else labels[0])
      report.num_frames.append(clip.num_frames)
      report.frame_rates.append(getattr(clip, 'frame_rate', None))
      if isinstance(clip, PoseClip):
        report.notes += [(video_id, note) for note in clip.notes]
      yield example
    tell(video_id, reason)
