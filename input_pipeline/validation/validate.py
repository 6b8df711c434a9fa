"""Runs all checks on a source of clips and collects the findings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from input_pipeline.catalog.groups import AUTO
from input_pipeline.errors import PoseDataError, as_pose_data_error
from input_pipeline.poses.frame_size import EXCHANGED
from input_pipeline.poses.notes import grouped
from input_pipeline.poses.reasons import grouped_reasons
from input_pipeline.poses.sources import (
  ClipSource,
  HeatmapClip,
  HeatmapSource,
  source_notes,
)
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.validation import pose_checks, split_checks
from input_pipeline.validation.clip_facts import ClipFacts, clip_facts
from input_pipeline.validation.findings import Finding, error, warning
from input_pipeline.validation.leaks import check_leaks
from pose_action.host.progress import Progress


@dataclasses.dataclass(frozen=True)
class Validation:
  """The result of validating a source.

  Attributes:
    skeleton, class_names, splits: same as in the source.
    clips: facts for every clip that could be loaded, each once.
    broken: reason by video id for every clip that could not be loaded.
    findings: all findings, errors first.
  """

  skeleton: Skeleton
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  clips: tuple[ClipFacts, ...]
  broken: Mapping[str, str]
  findings: tuple[Finding, ...]

  @property
  def errors(self) -> tuple[Finding, ...]:
    return tuple(f for f in self.findings if f.severity == 'error')

  @property
  def warnings(self) -> tuple[Finding, ...]:
    return tuple(f for f in self.findings if f.severity == 'warning')

  def __str__(self) -> str:
    """Counts, then one line per finding; `validation_report.as_text` is the full text."""
    counts = f'{len(self.errors)} errors, {len(self.warnings)} warnings'
    loaded = f'{len(self.clips)} clips loaded, {len(self.broken)} broken'
    lines = [f'{loaded}: {counts}']
    lines += [f'{finding.severity}: {finding.message}' for finding in self.findings]
    return '\n'.join(lines)


def validate(
  source: ClipSource,
  known_pairs: Sequence[tuple[str, str]] = (),
  progress: Callable[[str], object] = print,
  group_by: str = AUTO,
) -> Validation:
  """Loads every clip once and checks it, both by itself and against the other clips.

  Args:
    known_pairs: (training, test) splits in the data set's protocol, if any.
    progress: receives lines of text, about one per second.
    group_by: how clips are grouped by source, see `groups.group_clips`.

  Raises:
    ValueError: for a `group_by` that does not fit the clips.
  """
  clips, broken = _load_all(source, progress)
  pairs = split_checks.split_pairs(source.splits, known_pairs)
  posed = [(clip, clip.poses) for clip in clips if clip.poses is not None]
  usable = {c.video_id for c in clips if c.poses is None or c.poses.people}
  findings = [
    *(
      error('broken_clip', reason, ids)
      for reason, ids in grouped_reasons(broken.items())
    ),
    *_noted(source, clips),
    *split_checks.check_splits(source.splits, pairs, usable),
    *split_checks.check_classes(clips, source.class_names, source.multi_label),
    *split_checks.check_lengths(clips),
    *split_checks.check_repeats(clips, source.splits, pairs),
    *check_leaks(clips, source.splits, pairs, source.groups, group_by),
    *pose_checks.check_joints(posed, source.skeleton),
    *pose_checks.check_frames(posed),
    *pose_checks.check_sides(posed, source.class_names),
  ]
  return Validation(
    skeleton=source.skeleton,
    class_names=source.class_names,
    splits=source.splits,
    clips=tuple(clips),
    broken=broken,
    findings=tuple(sorted(findings, key=lambda finding: finding.severity)),
  )


def _noted(source: ClipSource, clips: Sequence[ClipFacts]) -> list[Finding]:
  """What readers found doubtful: one warning per kind.

  Exchanged frame sizes are left out, since `pose_checks.check_frames` finds them too.
  """
  notes = [('', note) for note in source_notes(source)]
  notes += [(clip.video_id, note) for clip in clips for note in clip.notes]
  return [
    warning(note.kind, note.message, video_ids)
    for note, video_ids in grouped(notes)
    if note.is_warning and not note.kind.startswith(EXCHANGED)
  ]


def _load_all(
  source: ClipSource, progress: Callable[[str], object]
) -> tuple[list[ClipFacts], dict[str, str]]:
  """Loads each clip once, even if several splits name it; collects failures."""
  video_ids = dict.fromkeys(v for ids in source.splits.values() for v in ids)
  clips, broken = [], {}
  pace = Progress(len(video_ids), 'clips', progress)
  for video_id in video_ids:
    try:
      with as_pose_data_error(f'clip {video_id!r} cannot be checked'):
        clips.append(_facts(source, video_id))
    except PoseDataError as reason:
      broken[video_id] = str(reason)
    pace.add()
  pace.close()
  return clips, broken


def _facts(source: ClipSource, video_id: str) -> ClipFacts:
  clip = source.load(video_id)
  if isinstance(clip, HeatmapClip) and isinstance(source, HeatmapSource):
    for modality in source.modalities:
      clip.maps(modality)  # Raises if the maps are invalid.
  return clip_facts(clip)
