"""What a source says about numbered files that hold one frame each."""

import pathlib

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.source_notes import source_notes
from input_pipeline.readers.videos.table import PoseVideo

ONE, TWO, BROKEN = 1, 2, 0  # Frames in a file.


@pytest.fixture
def notes(tmp_path):
  """Writes files by name, and returns the notes and the names of the files read."""

  def notes_of(**frames: int):
    opened = []
    for name in frames:
      (tmp_path / name).touch()
    videos = [PoseVideo(name, tmp_path / name) for name in frames]

    def read(video: PoseVideo) -> PosesByFrame:
      opened.append(video.video_id)
      count = frames[video.video_id]
      if count == BROKEN:
        raise PoseDataError('broken')
      return PosesByFrame({n: np.zeros((1, 2, 3)) for n in range(count)}, 2)

    return source_notes(videos, None, read), opened

  return notes_of


def numbered(frames: list[int], name: str = 'walk_{}') -> dict[str, int]:
  return {name.format(place): count for place, count in enumerate(frames, start=7)}


def test_numbered_files_with_one_frame_each(notes, tmp_path: pathlib.Path):
  (note,), opened = notes(**numbered([ONE] * 30))
  assert note.kind == 'files_of_one_frame'
  assert note.is_warning
  assert note.message == (
    f'{tmp_path} holds 30 numbered files with one frame each, read as 30 clips; if they'
    ' are the frames of one video, join them into one file'
  )
  assert len(opened) == 10


def test_files_that_cannot_be_read_say_nothing(notes):
  (note,), _ = notes(**numbered([BROKEN, ONE, ONE, ONE, ONE, ONE, ONE]))
  assert note.kind == 'files_of_one_frame'
  assert notes(**numbered([BROKEN] * 30)) == ((), [f'walk_{n}' for n in range(7, 17)])


@pytest.mark.parametrize(
  ('frames', 'read'),
  [
    (numbered([TWO] * 30), 1),
    (numbered([ONE, ONE, TWO, ONE, ONE, ONE]), 3),
    (numbered([ONE] * 4), 0),
    (dict.fromkeys(('jump', 'run', 'sit', 'walk', 'wave', 'stand'), ONE), 0),
    (numbered([ONE] * 3) | numbered([ONE] * 3, name='run_{}'), 0),
  ],
)
def test_videos_are_no_frames(notes, frames, read):
  found, opened = notes(**frames)
  assert found == ()
  assert len(opened) == read
