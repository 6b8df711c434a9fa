"""Formats a validation as tables for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from input_pipeline.poses.frame_size import in_words
from input_pipeline.validation.findings import Finding
from input_pipeline.validation.split_checks import class_counts
from input_pipeline.validation.validate import Validation
from pose_action.host.text_table import aligned

_CLIPS_SHOWN = 8
_REASONS_SHOWN = 20


def as_text(validation: Validation) -> str:
  """Tables for splits, classes and joints, then the findings."""
  return '\n\n'.join(
    '\n'.join(lines)
    for lines in (
      _overview(validation),
      _split_table(validation),
      _class_table(validation),
      _joint_table(validation),
      _finding_lines('error', validation.errors),
      _finding_lines('warning', validation.warnings),
      [_verdict(validation)],
    )
    if lines
  )


def as_json(validation: Validation) -> dict[str, Any]:
  """JSON-ready contents of the tables, and all findings with every video id."""
  posed = [clip.poses for clip in validation.clips if clip.poses is not None]
  return {
    'skeleton': validation.skeleton.name,
    'num_clips': len(validation.clips),
    'num_frames': sum(clip.num_frames for clip in validation.clips),
    'most_people': max((poses.most_people for poses in posed), default=None),
    'frame_sizes': _frame_sizes(validation),
    'splits': {
      name: {
        'named': len(set(video_ids)),
        'loaded': len(set(video_ids) - set(validation.broken)),
      }
      for name, video_ids in validation.splits.items()
    },
    'classes': class_counts(validation.clips, validation.class_names),
    'joints': {
      joint: {'missing': missing, 'outside': outside}
      for joint, missing, outside in _joint_shares(validation)
    },
    'broken': dict(validation.broken),
    'errors': [dataclasses.asdict(finding) for finding in validation.errors],
    'warnings': [dataclasses.asdict(finding) for finding in validation.warnings],
  }


def _overview(validation: Validation) -> list[str]:
  clips = validation.clips
  frames = np.array([clip.num_frames for clip in clips])
  lines = [
    f'skeleton {validation.skeleton.name}, {validation.skeleton.num_joints} joints'
  ]
  if len(clips):
    lines.append(
      f'{len(clips)} clips, {frames.sum()} frames: {frames.min()} to {frames.max()} per'
      f' clip, median {np.median(frames):g}'
    )
  posed = [clip.poses for clip in clips if clip.poses is not None]
  if posed:
    mean = sum(poses.people for poses in posed) / frames.sum()
    empty = sum(poses.empty_frames for poses in posed)
    lines.append(
      f'people per frame: {mean:.2f} on average, at most'
      f' {max(poses.most_people for poses in posed)}; frames without people: {empty}'
    )
    sizes = [f'{size} ({count})' for size, count in _frame_sizes(validation).items()]
    lines.append(f'frame sizes (clips): {_shortened(sizes, 6)}')
  return lines


def _frame_sizes(validation: Validation) -> dict[str, int]:
  """Number of clips by frame size in words, the most frequent size first."""
  sizes = [c.poses.frame_size for c in validation.clips if c.poses is not None]
  counts = {in_words(size): sizes.count(size) for size in dict.fromkeys(sizes)}
  return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _split_table(validation: Validation) -> list[str]:
  rows = [('split', 'clips', 'broken', 'empty', 'frames')]
  facts = {clip.video_id: clip for clip in validation.clips}
  for name, video_ids in validation.splits.items():
    loaded = [facts[video_id] for video_id in video_ids if video_id in facts]
    empty = [c for c in loaded if c.poses is not None and not c.poses.people]
    rows.append(
      (
        name,
        str(len(video_ids)),
        str(len(video_ids) - len(loaded)),
        str(len(empty)),
        str(sum(clip.num_frames for clip in loaded)),
      )
    )
  return aligned(rows)


def _class_table(validation: Validation) -> list[str]:
  """Clips per class, with one column per split."""
  if not validation.clips:
    return []
  if not any(clip.labels for clip in validation.clips):
    return ['no clip has a label']
  facts = {clip.video_id: clip for clip in validation.clips}
  counts = [
    class_counts([facts[v] for v in ids if v in facts], validation.class_names)
    for ids in validation.splits.values()
  ]
  return aligned(
    [
      ('class', *validation.splits),
      *(
        (name, *(str(of_split[name]) for of_split in counts))
        for name in validation.class_names
      ),
    ]
  )


def _joint_shares(validation: Validation) -> list[tuple[str, float, float]]:
  """Per joint: share of persons that lack it, and share of its positions outside."""
  posed = [clip.poses for clip in validation.clips if clip.poses is not None]
  people = sum(poses.people for poses in posed)
  if not people:
    return []
  seen = np.sum([poses.seen for poses in posed], axis=0)
  outside = np.sum([poses.outside for poses in posed], axis=0)
  return [
    (joint, float(1 - there / people), float(beyond / max(there, 1)))
    for joint, there, beyond in zip(
      validation.skeleton.joints, seen, outside, strict=True
    )
  ]


def _joint_table(validation: Validation) -> list[str]:
  rows = [
    (joint, f'{missing:.1%}', f'{outside:.1%}')
    for joint, missing, outside in _joint_shares(validation)
  ]
  return aligned([('joint', 'missing', 'outside frame'), *rows]) if rows else []


def _finding_lines(severity: str, findings: Sequence[Finding]) -> list[str]:
  lines = []
  for finding in findings[:_REASONS_SHOWN]:
    named = [clip for clip in finding.clips if repr(clip) not in finding.message]
    clips = f': {_shortened(named, _CLIPS_SHOWN)}' if named else ''
    number = f' ({len(finding.clips)} clips)' if len(finding.clips) > 1 else ''
    lines.append(f'{severity}: {finding.message}{number}{clips}')
  more = len(findings) - len(lines)
  return [*lines, f'and {more} more {severity}s'] if more else lines


def _shortened(words: Iterable[str], most: int) -> str:
  words = list(words)
  more = [f'and {len(words) - most} more'] if len(words) > most else []
  return ', '.join(words[:most] + more)


def _verdict(validation: Validation) -> str:
  errors, warnings = len(validation.errors), len(validation.warnings)
  return (
    f'{errors} error{"" if errors == 1 else "s"},'
    f' {warnings} warning{"" if warnings == 1 else "s"}'
  )
