"""`model(source)` for anything, and what fails on the way, with an untrained model."""

import dataclasses

import numpy as np
import pytest
import tiny_run
import untrained_run

import pose_action
from input_pipeline.poses.notes import PoseWarning
from input_pipeline.readers.options import ReadOptions
from pose_action.inference import predict_sources
from pose_action.inference.predict_sources import SourceClips, predict_clips
from pose_action.inference.usable_clips import UsableClips
from pose_action.sources.opener import Reading
from pose_action.training.clip_times import ClipTimes


@pytest.fixture(scope='module')
def model():
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  return untrained_run.predictor(config, tiny_run.SKELETON, tiny_run.CLASS_NAMES)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Data set `data/tiny`; `poses/` with one sound clip, one without a joint."""
  folder = tmp_path_factory.mktemp('sources')
  tiny_run.export(folder / 'data')
  (folder / 'poses').mkdir()
  clip = tiny_run.source().load('test_501')
  sound = np.concatenate([clip.keypoints, clip.scores[..., None]], axis=-1)
  np.save(folder / 'poses' / 'sound.npy', sound)
  np.save(folder / 'poses' / 'empty.npy', sound * 0)
  return folder


def test_a_clip_gives_a_prediction_and_a_source_a_list(model, folder):
  clip = tiny_run.source().load('test_503')
  one = model(clip)
  assert isinstance(one, pose_action.Prediction)
  many = model('tiny', data_dir=folder / 'data')
  assert isinstance(many, pose_action.Predictions)
  assert len(many) == 50
  (same,) = [answer for answer in many if answer.video_id == 'test_503']
  np.testing.assert_allclose(same.probabilities, one.probabilities, atol=1e-6)
  assert same.labels == (tiny_run.CLASS_NAMES[503 % 3],)
  assert same.source == 'tiny'


def test_what_read_poses_returns(model):
  source = tiny_run.source()
  answers = model(source)
  assert [a.video_id for a in answers] == [
    v for ids in source.splits.values() for v in ids
  ]


def test_several_sources_and_what_fails(model, folder, tmp_path):
  names = [folder / 'poses', 'nowhere', folder / 'data' / 'tiny']
  with pytest.warns(PoseWarning) as warned:
    answers = model(names, frame_size=(48, 64))
  assert len(answers) == 1
  failed = dict(answers.refused)
  assert failed['nowhere'].startswith('nowhere does not exist')
  assert 'takes no frame_size' in failed[str(folder / 'data' / 'tiny')]
  assert failed['empty'] == 'no joint is visible in any frame'
  texts = [str(w.message) for w in warned]
  assert any('empty: cannot be used: no joint is visible' in text for text in texts)


def test_the_only_source_raises(model):
  with pytest.raises(pose_action.PoseDataError, match='nowhere does not exist'):
    model('nowhere')


def test_a_clip_that_the_model_refuses_does_not_end_its_batch(model, monkeypatch):
  """Ready maps of PoTion fit this model; a clip of a frame model's maps does not."""
  source = tiny_run.source()
  real = type(model)._record

  def record(self, clip):
    if clip.video_id == 'test_502':
      raise pose_action.PredictorError('does not fit')
    return real(self, clip)

  monkeypatch.setattr(type(model), '_record', record)
  said = []
  ids = ('test_501', 'test_502', 'test_503')
  clips = UsableClips(source, ids, model, said.append)
  found = [one.video_id for batch in predict_clips(model, 's', clips) for one in batch]
  assert found == ['test_501', 'test_503']
  assert clips.refused == [('test_502', 'does not fit')]


def test_clips_by_name_from_any_of_several_sources(model, folder):
  said = []
  reading = Reading(
    data_dir=str(folder / 'data'),
    options=ReadOptions(frame_size=(48, 64)),
    say=said.append,
  )
  names = ['nowhere', str(folder / 'poses')]
  clips = SourceClips(model, names, reading, ['sound', 'test_999'])
  assert [(name, some.video_ids) for name, some in clips] == [(names[1], ('sound',))]
  assert clips.missing == ('test_999',)
  assert said[-1] == 'test_999: cannot be used: no source has a clip of this name'
  assert [name for name, _ in clips.failed] == ['nowhere']
  # A source without any of the requested clips gives none, rather than all.
  clips = SourceClips(model, [names[1], names[1]], reading, ['test_999'])
  assert [some.video_ids for _, some in clips] == [(), ()]


def test_resampling_is_said_in_python_too(model):
  source = tiny_run.source()
  load = source.load
  fast = dataclasses.replace(
    source,
    splits={'test': ('test_501',)},
    load=lambda name: dataclasses.replace(load(name), frame_rate=50),
  )
  model.clip_times = ClipTimes.of_clips([8], [25.0])
  try:
    with pytest.warns(PoseWarning, match='50 frames per second are resampled to 25'):
      model(fast)
  finally:
    model.clip_times = None


def test_the_next_clips_are_loaded_while_the_device_computes(model, monkeypatch):
  """The second batch starts before the host waits for the first."""
  source = tiny_run.source()
  names = [v for ids in source.splits.values() for v in ids][:5]
  events = []
  start = model.start

  def recording(clips, *, batch_size):
    named = '+'.join(clip.video_id for clip in clips)
    events.append(f'start {named}')
    finish = start(clips, batch_size=batch_size)

    def finished():
      events.append(f'finish {named}')
      return finish()

    return finished

  monkeypatch.setattr(model, 'start', recording)
  monkeypatch.setattr(predict_sources, 'BATCH_SIZE', 2)
  clips = UsableClips(source, names, model, print)
  answers = [one for batch in predict_clips(model, 's', clips) for one in batch]
  assert [one.video_id for one in answers] == names
  a, b, c, d, e = names
  assert events == [
    f'start {a}+{b}',
    f'start {c}+{d}',
    f'finish {a}+{b}',
    f'start {e}',
    f'finish {c}+{d}',
    f'finish {e}',
  ]
  events.clear()
  assert len(model.predict(map(source.load, names), batch_size=2)) == 5
  assert [event.split()[0] for event in events] == [
    *('start', 'start', 'finish', 'start', 'finish', 'finish')
  ]
