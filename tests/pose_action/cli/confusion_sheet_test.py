"""The sheet of confused classes: which clips it shows, and what it refuses."""

import numpy as np
import pytest

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import SKELETONS
from pose_action.cli import confusion_sheet as sheet

JHMDB = SKELETONS['jhmdb']


@pytest.fixture
def source() -> PoseSource:
  def load(video_id: str) -> PoseClip:
    poses = np.random.default_rng(0).uniform(0, 99, (10, 1, 15, 2))
    return PoseClip(video_id, poses, np.ones((10, 1, 15)), (100, 100), JHMDB, (0,))

  return PoseSource(JHMDB, ('run', 'jump', 'sit'), {'all': tuple('abcd')}, load)


def write(path, ids, labels, answers, names=('run', 'jump', 'sit')):
  scores = np.eye(3)[answers]
  arrays = {'labels': np.array(labels), 'class_names': np.array(names)}
  kept = {name: array for name, array in arrays.items() if array.size}
  np.savez(path, video_ids=np.array(list(ids)), scores=scores, **kept)
  return str(path)


def test_pairs_are_counted_over_all_files(source, tmp_path, monkeypatch):
  files = [
    write(tmp_path / 'a.npz', 'ab', [0, 1], [1, 2]),
    write(tmp_path / 'b.npz', 'cd', [0, 1], [1, 1]),
  ]
  shown, lines = [], []
  draw = sheet.contact_sheet_image

  def spy(heading, clips, *options, **named):
    shown.extend((clip.title, clip.caption, clip.marked) for clip in clips)
    return draw(heading, clips, *options, **named)

  monkeypatch.setattr(sheet, 'contact_sheet_image', spy)
  picture = sheet.confusion_sheet(source, files, 5, lines.append)
  assert picture.dtype == np.uint8 and picture.std() > 0
  assert shown == [
    ('a', 'run, taken for jump (2 of 2 clips)', True),
    ('d', 'jump, recognised', False),
    ('b', 'jump, taken for sit (1 of 2 clips)', True),
    ('', 'sit: no clip was recognised', False),
  ]
  assert lines == [
    'run taken for jump: 2 of 2 clips',
    'jump taken for sit: 1 of 2 clips',
  ]


def test_what_cannot_be_drawn(source, tmp_path):
  right = write(tmp_path / 'right.npz', 'ab', [0, 1], [0, 1])
  with pytest.raises(ValueError, match=r'every clip is recognised'):
    sheet.confusion_sheet(source, [right], 3)
  other = write(tmp_path / 'other.npz', 'cd', [0, 1], [1, 0], ('run', 'jump', 'lie'))
  with pytest.raises(
    ValueError, match=r'other\.npz has other classes than .*right\.npz'
  ):
    sheet.confusion_sheet(source, [right, other], 3)
  bare = write(tmp_path / 'bare.npz', 'ab', [], [0, 1])
  with pytest.raises(
    ValueError, match=r'bare\.npz: there are no labels or class names'
  ):
    sheet.confusion_sheet(source, [bare], 3)
