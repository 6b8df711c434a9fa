"""The online form against the offline form, and its bounds."""

import dataclasses

import numpy as np
import pytest
import tiny_run
import untrained_run
from timeline_models import SKELETON, Halves, video

from input_pipeline.poses.causal_tracking import frames_of_clip
from input_pipeline.poses.clip import PoseClip
from pose_action.inference.errors import PredictorError

SIZE = (480, 1200)
NAN = float('nan')


def everything(stream, clip):
  """All answers of a stream for the frames of a clip."""
  answers = []
  for people, identities in frames_of_clip(clip):
    answers += stream.push(people, identities)
  return [*answers, *stream.finish()]


def crowd(num_frames=45) -> PoseClip:
  """Star figures who cross, leave and come back; two have a tracker's identity."""
  rng = np.random.default_rng(0)
  figure = np.array([[32, 10], [44, 24], [20, 24], [38, 40], [26, 40]], np.float32)
  frames = np.arange(num_frames)[:, None]
  x = 80 * np.arange(3) + frames * np.array([3.0, -1.0, 0.0])
  keypoints = figure + rng.normal(0, 1, (num_frames, 3, 5, 2)).astype(np.float32)
  keypoints[..., 0] += x[..., None]
  scores = rng.uniform(0.2, 1, (num_frames, 3, 5))
  scores[10:20, 1] = 0
  identities = np.tile([5, -1, 9], (num_frames, 1))
  identities[:4, 0] = -1
  order = rng.permuted(np.tile(np.arange(3), (num_frames, 1)), axis=1)
  take = frames, order
  return PoseClip(
    'crowd',
    keypoints[take],
    scores[take],
    (64, 400),
    tiny_run.SKELETON,
    identities=identities[take],
  )


@pytest.mark.parametrize('get_config', [tiny_run.get_config, tiny_run.get_jmrn_config])
def test_a_stream_gives_the_windows_and_probabilities_of_the_whole_video(get_config):
  config = get_config().copy_and_resolve_references().unlock()
  model = untrained_run.predictor(config, tiny_run.SKELETON, tiny_run.CLASS_NAMES)
  clip = crowd()
  offline = model.timeline(clip, window=8, stride=3)
  stream = model.stream(window=8, stride=3, frame_size=clip.frame_size)
  answers = everything(stream, clip)

  spans = [(a.person, a.start, a.stop) for a in answers]
  assert len(set(spans)) == len(spans) > 30
  assert {'t0', 't1', '9'} <= {a.person for a in answers}
  assert [one.person for one in offline.people] == list(
    dict.fromkeys(s[0] for s in spans)
  )
  for one in offline.people:
    sums, counts = np.zeros((clip.num_frames, 3)), np.zeros((clip.num_frames, 1))
    for answer in answers:
      if answer.person == one.person:
        sums[answer.start : answer.stop] += answer.probabilities
        counts[answer.start : answer.stop] += 1
    with np.errstate(invalid='ignore'):
      means = (sums / counts)[one.start : one.stop]
    np.testing.assert_allclose(one.probabilities, means, rtol=0, atol=1e-6)
  assert np.nanstd(np.concatenate([p.probabilities for p in offline.people])) > 0.01


def test_answers_come_with_the_last_frame_of_a_window():
  clip = video((400.0,) * 7, (900.0,) * 7)
  stream = Halves().stream(window=4, stride=2, frame_size=SIZE, warm_up=False)
  counts = [len(stream.push(*frame)) for frame in frames_of_clip(clip)]
  assert counts == [0, 0, 0, 2, 0, 2, 0]
  assert [(a.person, a.start, a.stop, a.label) for a in stream.finish()] == [
    ('t0', 3, 7, 'left'),
    ('t1', 3, 7, 'right'),
  ]


def test_one_person_without_the_first_axis_and_empty_frames():
  stream = Halves().stream(window=4, frame_size=SIZE, warm_up=False)
  pose = np.array([[400, 0, 1], [600, 200, 1]])
  assert stream.push(pose) == []
  assert stream.push([]) == []
  assert stream.push(np.zeros((0, 2, 3))) == []
  (answer,) = stream.push(pose, [7])
  assert (answer.person, stream.num_frames) == ('t0', 4)


def test_memory_is_bounded():
  """A new identity appears in every frame."""
  stream = Halves().stream(window=6, stride=6, frame_size=SIZE, warm_up=False)
  cutter = stream._cutter
  assert cutter is not None
  for number in range(500):
    x = 300.0 * (number % 4)
    stream.push(np.array([[x, 0, 1], [x + 200, 200, 1]]), [number])
  assert len(cutter._frames) == 6
  assert len(cutter._tracker._seen) <= 31


def test_warming_up_predicts_once_and_leaves_no_trace():
  model = Halves()
  stream = model.stream(window=4, frame_size=SIZE)
  assert model.batches == [1]
  assert stream.num_frames == 0
  assert [a.start for a in everything(stream, video((400.0,) * 5))] == [0, 1]


@pytest.mark.parametrize(
  ('people', 'identities', 'message'),
  [
    (
      np.ones((1, 3, 3)),
      None,
      r'people have shape \(1, 3, 3\), but need \[people, 2 j',
    ),
    ([[[1, 1, 2], [1, 1, 1]]], None, "joint 'a' of person 0 is .* a score in 0..1"),
    ([[[1, 1, 1], [NAN, 1, 1]]], None, "joint 'b' of person 0"),
    ([[[1, 1, NAN], [1, 1, 1]]], None, "joint 'a' of person 0"),
    (np.ones((2, 2, 3)), [1], 'there are 2 people, but 1 identities'),
  ],
)
def test_frames_that_do_not_fit(people, identities, message):
  stream = Halves().stream(window=4, frame_size=SIZE, warm_up=False)
  with pytest.raises(PredictorError, match=message):
    stream.push(np.array(people, np.float32), identities)
  assert stream.num_frames == 0


def test_a_missing_joint_may_hold_anything():
  stream = Halves().stream(window=1, frame_size=SIZE, warm_up=False)
  assert len(stream.push(np.array([[[1, 1, 1], [NAN, NAN, 0]]]))) == 1


def test_an_ended_stream_and_options_that_make_no_sense():
  stream = Halves().stream(window=4, frame_size=SIZE, warm_up=False)
  stream.finish()
  with pytest.raises(PredictorError, match='the stream has ended'):
    stream.push(np.ones((1, 2, 3)))
  with pytest.raises(PredictorError, match='the stream has ended'):
    stream.finish()
  with pytest.raises(PredictorError, match=r'frame_size is \(0, 5\)'):
    Halves().stream(window=4, frame_size=(0, 5))


def test_other_joints_are_mapped():
  other = dataclasses.replace(SKELETON, name='three', joints=('a', 'b', 'c'))
  stream = Halves().stream(window=1, frame_size=SIZE, skeleton=other, warm_up=False)
  assert len(stream.push(np.ones((1, 3, 3)))) == 1
