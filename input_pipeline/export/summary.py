"""Summarises an export: what was written, what was left out, and why."""

from __future__ import annotations

import dataclasses

from etils import epath

from input_pipeline.export.write_shard import ShardReport
from input_pipeline.poses.notes import Note, as_lines
from input_pipeline.poses.reasons import grouped_reasons, named_clips
from input_pipeline.storage.digests import FileDigest

_REASONS_SHOWN = 20


@dataclasses.dataclass
class SplitSummary:
  """Which of a split's clips were written.

  Attributes:
    name: the split's name.
    num_offered: number of clips that the source names.
    video_ids, labels, num_frames, frame_rates: of the written clips, in record order;
      each label is a list if the data set is multi-label, a rate None if unknown.
    left_out: (video id, reason) for each of the other clips.
    notes: (video id, note) for what was doubtful in written clips.
    shard_lengths: number of clips in each shard.
    shard_digests: each shard's size and digest.
  """

  name: str
  num_offered: int
  video_ids: list[str] = dataclasses.field(default_factory=list)
  labels: list[int | list[int]] = dataclasses.field(default_factory=list)
  num_frames: list[int] = dataclasses.field(default_factory=list)
  left_out: list[tuple[str, str]] = dataclasses.field(default_factory=list)
  notes: list[tuple[str, Note]] = dataclasses.field(default_factory=list)
  shard_lengths: list[int] = dataclasses.field(default_factory=list)
  shard_digests: list[FileDigest] = dataclasses.field(default_factory=list)
  frame_rates: list[float | None] = dataclasses.field(default_factory=list)

  def add(self, report: ShardReport):
    """Adds the next shard's report."""
    self.video_ids += report.video_ids
    self.labels += report.labels
    self.num_frames += report.num_frames
    self.frame_rates += report.frame_rates
    self.left_out += report.left_out
    self.notes += report.notes
    self.shard_lengths.append(len(report.video_ids))
    self.shard_digests.append(FileDigest(report.num_bytes, report.sha256))

  @property
  def num_clips(self) -> int:
    return len(self.video_ids)

  @property
  def num_bytes(self) -> int:
    """Bytes of all shards on disk."""
    return sum(digest.num_bytes for digest in self.shard_digests)

  def __str__(self) -> str:
    line = f'{self.name}: {self.num_clips} of {self.num_offered} clips'
    if not self.left_out:
      return line
    groups = grouped_reasons(self.left_out)
    shown = [
      f'    {ids[0]}: {reason}' + (f' ({named_clips(ids)})' if len(ids) > 1 else '')
      for reason, ids in groups[:_REASONS_SHOWN]
    ]
    more = sum(len(ids) for _, ids in groups[_REASONS_SHOWN:])
    if more:
      shown.append(f'    and {more} more for other reasons')
    return '\n'.join([f'{line}, {len(self.left_out)} left out:', *shown])


@dataclasses.dataclass(frozen=True)
class ExportSummary:
  """What an export wrote, where, in how many seconds, and the source's notes."""

  directory: epath.Path
  splits: tuple[SplitSummary, ...]
  seconds: float
  notes: tuple[Note, ...] = ()

  @property
  def num_bytes(self) -> int:
    """Bytes of all shards on disk."""
    return sum(split.num_bytes for split in self.splits)

  def __str__(self) -> str:
    notes = [('', note) for note in self.notes]
    notes += [note for split in self.splits for note in split.notes]
    return '\n'.join(
      [
        *as_lines(notes),
        f'Exported to {self.directory}: {self.num_bytes / 1e6:.1f} MB on disk in'
        f' {self.seconds:.1f} s',
        *(f'  {split}' for split in self.splits),
      ]
    )
