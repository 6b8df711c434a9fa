"""The poses of any clip: its own, or the highest points of a pose network's maps."""

from __future__ import annotations

from typing import Any

from input_pipeline.errors import PoseDataError
from input_pipeline.maps.quantization import dequantize
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import HeatmapClip
from pose_action.extraction.maps import DEFAULT_THRESHOLD
from pose_action.extraction.peaks import cells_to_pixels, pick_peaks


def clip_poses(clip: Any) -> PoseClip:
  """A clip as poses; maps give one person, as an extraction does.

  Args:
    clip: a PoseClip, HeatmapClip or PotionClip.

  Raises:
    PoseDataError: for ready PoTion maps, or maps without joints.
  """
  if isinstance(clip, PoseClip):
    return clip
  if not isinstance(clip, HeatmapClip):
    raise PoseDataError(
      f'clip {clip.video_id!r} is ready PoTion maps, which hold no poses over time to'
      ' show; give it as poses'
    )
  if clip.keypoints is not None:
    found = clip.keypoints()
    points, scores = found[..., :2], found[..., 2]
  else:
    maps = dequantize(clip.maps('joints')[..., : clip.skeleton.num_joints], 'joints')
    cells, scores = pick_peaks(maps, threshold=DEFAULT_THRESHOLD)
    height, width = clip.frame_size
    points = cells_to_pixels(cells, (height / maps.shape[1], width / maps.shape[2]))
  return PoseClip(
    video_id=clip.video_id,
    keypoints=points[:, None],
    scores=scores[:, None],
    frame_size=clip.frame_size,
    skeleton=clip.skeleton,
    labels=clip.labels,
    frame_rate=clip.frame_rate,
    footage=clip.footage,
  )
