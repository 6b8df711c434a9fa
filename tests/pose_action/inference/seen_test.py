"""Predictions and timelines saved as something to see."""

import dataclasses
import functools
import itertools
import json
import pickle
import re
import sys

import numpy as np
import pytest
import tiny_run
import untrained_run
from mp4_files import av, read_mp4, write_timed_mp4  # noqa: F401
from timeline_models import Halves, video
from video_files import cv2  # noqa: F401

import pose_action
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.notes import PoseWarning
from input_pipeline.poses.sources import HeatmapClip, PotionClip
from pose_action.host.extras import MissingExtraError
from pose_action.inference import seen
from pose_action.inference.prediction_files import check_output
from pose_action.inference.seen import caption_of
from pose_action.inference.timelines.of_clips import TimelineOptions, write_timelines
from pose_action.video.clip_poses import clip_poses

UNKNOWN = (
  'ignore:clips whose frame rate is unknown:input_pipeline.poses.notes.PoseWarning'
)


@pytest.fixture(scope='module')
def model():
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  return untrained_run.predictor(config, tiny_run.SKELETON, tiny_run.CLASS_NAMES)


def page_of(path):
  text = path.read_text('utf-8')
  found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text)
  assert found
  return json.loads(found[1])


def test_a_clip_and_a_source_know_their_poses(model, tmp_path):
  source = tiny_run.source()
  clip = source.load('test_501')
  with pytest.warns(PoseWarning, match='unknown are shown at 25 frames per second'):
    model(clip).save(tmp_path / 'one.html')
  (shown,) = page_of(tmp_path / 'one.html')['clips']
  assert shown['name'] == 'test_501' and len(shown['frames']) == 8
  some = dataclasses.replace(source, splits={'test': ('test_501', 'test_502')})
  with pytest.warns(PoseWarning):
    answers = model(some)
    answers.save(tmp_path / 'all.html')
  clips = page_of(tmp_path / 'all.html')['clips']
  assert [clip['name'] for clip in clips] == ['test_501', 'test_502']
  assert clips[0] == shown | {'caption': clips[0]['caption']}
  first, share = answers[0].top(1)[0]
  assert clips[0]['caption'] == f'{first} {share:.1%}, labelled raise'


@pytest.mark.filterwarnings(UNKNOWN)
@pytest.mark.usefixtures('cv2', 'av')
@pytest.mark.parametrize(
  ('suffix', 'done'),
  [('mp4', '16/16 frames'), ('gif', '32/32 frames'), ('html', '4/4')],
)
def test_progress_is_shown_while_a_file_is_written(
  model, tmp_path, monkeypatch, suffix, done
):
  """Each look at the clock takes a second; without time, nothing is said."""
  some = {'test': ('test_501', 'test_502')}
  answers = model(dataclasses.replace(tiny_run.source(), splits=some))
  lines, usual = [], seen.ScenePace
  for clock in (lambda: 0, itertools.count().__next__):
    monkeypatch.setattr(seen, 'ScenePace', functools.partial(usual, clock=clock))
    assert lines == []
    answers.save(tmp_path / f'x.{suffix}', lines.append)
  assert lines[-1].startswith(f'test_502: {done}')
  assert lines[-1].endswith('per second, 0 s left')


def test_predictions_without_poses_are_refused(model, tmp_path):
  answers = pose_action.Predictions(model.predict([tiny_run.source().load('test_501')]))
  with pytest.raises(ValueError, match=r"'test_501' has none: predict with model\(sou"):
    answers.save(tmp_path / 'x.html')
  assert not list(tmp_path.iterdir())


def test_a_prediction_goes_to_another_process_without_its_poses(model):
  one = model(tiny_run.source().load('test_501'))
  assert one.load_clip is not None
  sent = pickle.loads(pickle.dumps(one))
  assert sent.load_clip is None and sent.label == one.label


def test_none_of_these_is_said():
  shares = np.array([0.3, 0.7], np.float32)
  one = pose_action.Prediction('a', ('run', 'wave'), shares, threshold=0.8)
  assert caption_of(one) == 'none of these (wave 70.0%, below 80.0%)'


def test_a_clip_on_its_video(model, write_timed_mp4, read_mp4, tmp_path):  # noqa: F811
  times = np.array([0, 1, 2, 4, 8, 9, 10, 11]) / 25
  frames = np.full((8, 48, 64, 3), 90, np.uint8)
  file = write_timed_mp4(tmp_path / 'v.mp4', frames, times)
  model(tiny_run.source().load('test_501'), video=file).save(tmp_path / 'x.mp4')
  seconds, seen = read_mp4(tmp_path / 'x.mp4')
  np.testing.assert_allclose(seconds, times, atol=1e-5)
  assert abs(int(seen[0, 4, 4, 0]) - 90) < 10


def test_the_poses_of_maps():
  codes = np.zeros((2, 6, 8, 5), np.uint8)
  codes[:, 2, 3] = 255  # Every joint in the cell (3, 2) of 8x6 over 64x48 pixels.
  clip = HeatmapClip('m', lambda modality: codes, 2, (48, 64), tiny_run.SKELETON)
  poses = clip_poses(clip)
  np.testing.assert_allclose(poses.keypoints, np.full((2, 1, 5, 2), (27.5, 19.5)))
  known = np.ones((2, 5, 3), np.float32)
  clip = dataclasses.replace(clip, keypoints=lambda: known, footage=Footage(__file__))
  assert clip_poses(clip).keypoints[0, 0, 0].tolist() == [1, 1]
  assert clip_poses(clip).footage == Footage(__file__)
  potion = PotionClip('p', np.zeros((5, 4, 4, 3)), 8, tiny_run.SKELETON)
  with pytest.raises(pose_action.PoseDataError, match='which hold no poses over time'):
    clip_poses(potion)


def test_timelines(av, read_mp4, tmp_path):  # noqa: F811
  clip = video((400.0,) * 4 + (510.0,) * 4, (900.0,) * 8)
  timeline = Halves().timeline(clip, window=4, stride=2)
  timeline.save(tmp_path / 'x.html')
  (shown,) = page_of(tmp_path / 'x.html')['clips']
  assert [lane['name'] for lane in shown['lanes']] == ['t0', 't1']
  assert shown['lanes'][0]['bars'] == [[0, 0, 4, 0.875], [1, 4, 8, 0.875]]
  timeline.save(tmp_path / 'x.mp4')
  seconds, _ = read_mp4(tmp_path / 'x.mp4')
  np.testing.assert_allclose(seconds, np.arange(8) / 10, atol=1e-5)
  with pytest.raises(ValueError, match="the timeline of 'v' has none"):
    dataclasses.replace(timeline, clip=None).save(tmp_path / 'y.mp4')


def test_timelines_of_several_videos_keep_their_poses_only_to_show_them(tmp_path):
  said: list[str] = []
  clip = video((400.0,) * 8)
  options = TimelineOptions(
    files=(str(tmp_path / 'x.html'),), how={'window': 4, 'stride': 2}
  )
  assert options.shows_poses and not TimelineOptions(files=('x.csv',)).shows_poses
  assert not write_timelines(Halves(), [clip, clip], options, said.append)
  assert len(page_of(tmp_path / 'x.html')['clips']) == 2
  assert said[-1] == f'wrote {tmp_path / "x.html"}'


@pytest.mark.parametrize('module', ['av', 'cv2', 'PIL'])
def test_a_missing_library_is_said_first(monkeypatch, module):
  monkeypatch.setitem(sys.modules, module, None)
  for name in ('x.mp4', 'x.gif'):
    with pytest.raises(MissingExtraError, match=rf'{module} is not .*jax\[video\]'):
      check_output(name)
  check_output('x.html')  # Needs none of them.
  with pytest.raises(MissingExtraError):
    TimelineOptions(files=('x.mp4',))


def test_what_cannot_be_written(tmp_path, monkeypatch):
  with pytest.raises(
    ValueError, match=r"'.avi', but .* \*.csv, .*\*.mp4, \*.gif, \*.html; choose"
  ):
    check_output('x.avi')
  (tmp_path / 'x.mp4').mkdir()
  with pytest.raises(IsADirectoryError, match=r'x.mp4 is a folder; give the name of a'):
    check_output(tmp_path / 'x.mp4')
  monkeypatch.setattr('os.access', lambda path, mode: False)
  with pytest.raises(PermissionError, match='Permission denied'):
    check_output(tmp_path / 'y.html')
