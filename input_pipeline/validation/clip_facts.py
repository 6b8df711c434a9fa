"""Facts: what validation keeps per clip, so that data sets of any size fit in memory."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
from jaxtyping import Int

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.frame_size import are_outside, exchanged
from input_pipeline.poses.notes import Note
from input_pipeline.storage.examples import AnyClip
from input_pipeline.validation.fingerprint import Fingerprint, fingerprint
from input_pipeline.validation.sides import SideFacts, side_facts


@dataclasses.dataclass(frozen=True, eq=False)
class PoseFacts:
  """Counts over all frames and persons in a clip.

  A person is present in a frame if any of their joints is.

  Attributes:
    frame_size: (height, width) in pixels.
    people: number of present persons, summed over frames.
    most_people: largest number of present persons in one frame.
    empty_frames: number of frames without a present joint.
    seen: `[j]`, how often each joint is present.
    outside: `[j]`, how often each joint is present outside the frame.
    lowest, highest: smallest and largest (x, y) of present joints, in pixels.
    outside_transposed: number of joints that would be outside with height and width
      exchanged.
    digest: hash of all positions and scores; equal for clips with the same poses.
    sides: see `sides`.
    fingerprint: see `fingerprint`.
  """

  frame_size: tuple[int, int]
  people: int
  most_people: int
  empty_frames: int
  seen: Int[np.ndarray, 'j']
  outside: Int[np.ndarray, 'j']
  lowest: tuple[float, float]
  highest: tuple[float, float]
  outside_transposed: int
  digest: str
  sides: SideFacts | None
  fingerprint: Fingerprint


@dataclasses.dataclass(frozen=True)
class ClipFacts:
  """Facts about one clip in any form; `poses` is None for ready maps."""

  video_id: str
  labels: tuple[int, ...]
  num_frames: int
  poses: PoseFacts | None
  notes: tuple[Note, ...] = ()


def clip_facts(clip: AnyClip) -> ClipFacts:
  return ClipFacts(
    video_id=clip.video_id,
    labels=clip.labels,
    num_frames=clip.num_frames,
    poses=_pose_facts(clip) if isinstance(clip, PoseClip) else None,
    notes=clip.notes if isinstance(clip, PoseClip) else (),
  )


def _pose_facts(clip: PoseClip) -> PoseFacts:
  there = clip.scores > 0
  persons = there.any(axis=2).sum(axis=1)  # [t]
  positions = clip.keypoints[there]
  outside = there & are_outside(clip.keypoints, clip.frame_size)
  return PoseFacts(
    frame_size=clip.frame_size,
    people=int(persons.sum()),
    most_people=int(persons.max()),
    empty_frames=int((persons == 0).sum()),
    seen=there.sum(axis=(0, 1)),
    outside=outside.sum(axis=(0, 1)),
    lowest=_xy(positions.min(axis=0, initial=np.inf)),
    highest=_xy(positions.max(axis=0, initial=-np.inf)),
    outside_transposed=int(are_outside(positions, exchanged(clip.frame_size)).sum()),
    digest=_digest(clip),
    sides=side_facts(clip),
    fingerprint=fingerprint(clip),
  )


def _xy(position: np.ndarray) -> tuple[float, float]:
  return float(position[0]), float(position[1])


def _digest(clip: PoseClip) -> str:
  numbers = hashlib.sha256(str(clip.keypoints.shape).encode())
  numbers.update(np.ascontiguousarray(clip.keypoints).tobytes())
  numbers.update(np.ascontiguousarray(clip.scores).tobytes())
  return numbers.hexdigest()
