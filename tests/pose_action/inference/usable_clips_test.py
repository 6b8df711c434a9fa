import types
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import Skeleton
from pose_action.inference.usable_clips import UsableClips

PAIR = Skeleton('pair', ('head', 'tail'), (('head', 'tail'),))
NAMES = tuple(f'v{number}' for number in range(12))


def load(video_id):
  if int(video_id[1:]) % 2:
    raise PoseDataError(f'clip {video_id!r}: /poses/{video_id}.json is torn')
  notes = (Note('large_scores', 'scores go up to 55'),)
  ones = np.ones((2, 1, 2))
  keypoints = np.stack([ones, ones], axis=-1)
  return PoseClip(video_id, keypoints, ones, (10, 20), PAIR, (), notes=notes)


def test_notes_and_equal_reasons_are_told_together_at_the_end():
  source = PoseSource(PAIR, ('walk',), {'all': NAMES}, load)
  predictor: Any = types.SimpleNamespace(class_names=('walk',))
  lines = []
  clips = UsableClips(source, NAMES, predictor, lines.append)
  assert [clip.video_id for clip in clips] == list(NAMES[::2])
  assert [video_id for video_id, _ in clips.refused] == list(NAMES[1::2])
  assert lines == [
    'v1: cannot be used: /poses/v1.json is torn',
    'v3: cannot be used: /poses/v3.json is torn',
    'v5: cannot be used: /poses/v5.json is torn (further clips with this reason are only'
    ' counted)',
    'warning: scores go up to 55 (6 clips: v0, v2, v4, v6, v8, v10)',
    'cannot be used: /poses/v1.json is torn (6 clips: v1, v3, v5, v7, v9, v11)',
  ]
