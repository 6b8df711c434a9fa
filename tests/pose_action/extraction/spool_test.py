"""Finished clips on disk: written atomically, all with the same settings."""

import multiprocessing

import numpy as np
import pytest

from input_pipeline.errors import PoseDatasetError
from input_pipeline.maps.quantization import dequantize
from pose_action.extraction.spool import Spool, open_spool


@pytest.fixture
def spool(tmp_path):
  return Spool(tmp_path / 'spool')


def arrays(count, value):
  return {
    'joints': np.full((count, 2, 3, 4), value, np.uint8),
    'features': np.full((count, 2, 3, 5), value / 10, np.float16),
    'keypoints': np.full((count, 4, 3), value, np.float32),
  }


def test_a_clip_is_read_as_it_was_appended(spool):
  writer = spool.begin_clip('a/b', 0)
  writer.append(arrays(2, 10))
  writer.append(arrays(20, 40))
  assert spool.clips('a/b') == []
  writer.finish((48, 64))

  (clip,) = spool.clips('a/b')
  assert (clip.num_frames, clip.frame_size) == (22, (48, 64))
  joints, keypoints = clip.read('joints'), clip.read('keypoints')
  assert (joints.shape, joints.dtype) == ((22, 2, 3, 4), np.uint8)
  assert (keypoints.shape, keypoints.dtype) == ((22, 4, 3), np.float32)
  assert [joints[1, 0, 0, 0], joints[2, 0, 0, 0]] == [10, 40]


def test_features_have_one_scale_per_clip(spool):
  writer = spool.begin_clip('a', 0)
  writer.append(arrays(1, 10))
  writer.append(arrays(1, 40))
  clip = writer.finish((48, 64))
  assert clip.features_scale == 4
  codes = clip.read('features')
  # 1/4 and 4/4 of 255.
  assert [codes[0, 0, 0, 0], codes[1, 0, 0, 0]] == [64, 255]
  values = dequantize(codes, 'features', clip.features_scale)
  np.testing.assert_allclose(values[:, 0, 0, 0], [1, 4], atol=4 / 255)


def test_without_features_there_is_no_scale(spool):
  writer = spool.begin_clip('a', 0)
  writer.append({'keypoints': np.zeros((1, 4, 3), np.float32)})
  assert writer.finish((48, 64)).features_scale is None


def test_an_unfinished_clip_is_started_again(spool):
  spool.begin_clip('a', 0).append(arrays(3, 1))
  writer = spool.begin_clip('a', 0)
  writer.append(arrays(1, 2))
  assert writer.finish((48, 64)).read('joints').shape[0] == 1


def test_clips_after_a_missing_one_are_not_counted(spool):
  for part in (0, 1, 3):
    writer = spool.begin_clip('a', part)
    writer.append(arrays(part + 1, 0))
    writer.finish((48, 64))
  assert [clip.num_frames for clip in spool.clips('a')] == [1, 2]


def test_finished_videos_keep_their_notes(spool):
  assert not spool.is_finished('a')
  spool.finish_video('a', None)
  spool.finish_video('b', 'odd')
  assert spool.is_finished('a')
  assert (spool.note('a'), spool.note('b')) == (None, 'odd')


def test_other_settings_are_refused(tmp_path):
  with open_spool(tmp_path, 'mine', {'stride': 1, 'scales': (0.5, 1)}):
    pass
  with open_spool(tmp_path, 'mine', {'stride': 1, 'scales': (0.5, 1)}) as spool:
    assert spool.folder == tmp_path / '.extract-mine'
  settings = {'stride': 1, 'scales': (0.5, 1), 'network': {'weights': 'b'}}
  with (
    pytest.raises(
      PoseDatasetError, match=r'made with network\.weights None, not b; cont'
    ),
    open_spool(tmp_path, 'mine', settings),
  ):
    pass
  message = r'stride 1, not 2; continue with its settings, or remove that folder'
  with (
    pytest.raises(PoseDatasetError, match=message),
    open_spool(tmp_path, 'mine', {'stride': 2, 'scales': (0.5, 1)}),
  ):
    pass


def _second(data_dir, answers):
  try:
    with open_spool(data_dir, 'mine', {}):
      answers.put('opened')
  except PoseDatasetError as error:
    answers.put(str(error))


def test_one_process_at_a_time(tmp_path):
  context = multiprocessing.get_context('spawn')
  answers = context.Queue()
  with open_spool(tmp_path, 'mine', {}):
    process = context.Process(target=_second, args=(tmp_path, answers))
    process.start()
    assert answers.get(timeout=120).startswith("another process is extracting 'mine'")
    process.join()


def test_remove_deletes_everything(tmp_path):
  with open_spool(tmp_path, 'mine', {}) as spool:
    spool.finish_video('a', None)
    assert not spool.is_exported('heatmaps')
    spool.mark_exported('heatmaps')
    assert spool.is_exported('heatmaps')
    spool.remove()
  assert list(tmp_path.iterdir()) == []
