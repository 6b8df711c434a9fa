"""The Predictor against the evaluation of the same run, and its refusals."""

import dataclasses

import jax
import numpy as np
import pytest
import tiny_run
import untrained_run

from input_pipeline.poses.notes import PoseWarning
from input_pipeline.poses.sources import PotionClip
from input_pipeline.skeletons.skeleton import Skeleton
from pose_action.inference.predictor import Predictor, PredictorError
from pose_action.inference.usable_clips import load_clip, offered_clips
from pose_action.runtime import sharding, writers
from pose_action.training import experiment

CONFIGS = {'pa3d': tiny_run.get_config, 'jmrn': tiny_run.get_jmrn_config}


@pytest.fixture(scope='module', params=['pa3d', 'jmrn'])
def run(request, tmp_path_factory):
  """(name, workdir) of a run of one epoch, from stored maps."""
  folder = tmp_path_factory.mktemp(request.param)
  config = CONFIGS[request.param]().copy_and_resolve_references().unlock()
  config.data.data_dir = str(folder / 'data')
  config.data.representation = {'pa3d': 'heatmaps', 'jmrn': 'potion'}[request.param]
  config.train.epochs = 1
  tiny_run.export(folder / 'data', config.data.representation)
  # optax's Adam mixes its count with float32.
  with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion('standard'):
    patch.setattr(writers, '_tensorboard_writer', lambda workdir: None)
    experiment.train_and_evaluate(
      config, str(folder / 'run'), mesh=sharding.make_mesh(jax.devices()[:1])
    )
  return request.param, folder / 'run'


@pytest.fixture(scope='module')
def predictor(run):
  return Predictor.from_workdir(run[1], checkpoint='last')


def test_a_clip_gets_what_the_evaluation_gave_it(run, predictor):
  saved = np.load(run[1] / 'scores_test.npz')
  source = tiny_run.source()
  for row in (0, 5):
    clip = source.load(str(saved['video_ids'][row]))
    prediction = predictor(dataclasses.replace(clip, labels=()))
    np.testing.assert_allclose(
      prediction.probabilities, saved['scores'][row], rtol=1e-5, atol=1e-7
    )
    assert prediction.video_id == clip.video_id
    assert prediction.label == predictor.class_names[saved['scores'][row].argmax()]
    assert (prediction.joint_weights is None) == (run[0] == 'pa3d')


def test_joint_weights_are_the_evaluations(run, predictor):
  if run[0] == 'pa3d':
    pytest.skip('PA3D weighs no joints')
  table = (run[1] / 'joint_weights.csv').read_text().splitlines()
  video_id, _, *weights = table[1].split(',')
  prediction = predictor(tiny_run.source().load(video_id))
  np.testing.assert_allclose(
    prediction.joint_weights, np.array(weights, float), atol=2e-4
  )
  assert prediction.joints == tiny_run.SKELETON.joints


def test_ready_potion_maps(run, predictor):
  maps = np.zeros((2, 5, 16, 16, 3), np.float32)
  if run[0] == 'pa3d':
    with pytest.raises(PredictorError, match='reads maps of single frames'):
      predictor.apply_potion(maps)
    return
  maps[1, :, 4:8, 4:8] = 0.5
  output = predictor.apply_potion(maps)
  assert output.logits.shape == (2, 3)
  assert output.joint_weights.shape == (2, 5)
  skeleton = tiny_run.SKELETON
  clip = PotionClip('ready', maps[1], 8, skeleton)
  np.testing.assert_allclose(
    predictor(clip).probabilities,
    predictor.probabilities(output)[1],
    rtol=1e-5,
    atol=1e-7,
  )
  with pytest.raises(PredictorError, match=r'\(2, 4, 16, 16, 3\), but need \[clips, 5'):
    predictor.apply_potion(maps[:, :4])


def test_few_programs_serve_all_lengths(run, predictor):
  """Twenty lengths: one program for the model, and few for the maps that it reads."""
  compiled = []

  def note(event, seconds, **more):
    if event.endswith('/backend_compile_duration'):
      compiled.append(more.get('fun_name'))

  clip = tiny_run.source().load('test_500')
  predictor(clip)
  models = predictor._evaluate._cache_size()
  jax.monitoring.register_event_duration_secs_listener(note)
  try:
    for length in range(3, 63, 3):
      frames = np.arange(length) % len(clip.keypoints)
      predictor(
        dataclasses.replace(
          clip, keypoints=clip.keypoints[frames], scores=clip.scores[frames]
        )
      )
  finally:
    jax.monitoring.unregister_event_duration_listener(note)
  assert predictor._evaluate._cache_size() == models
  # PoTion maps are summed over chunks of 16 frames, with weights for 16, 32, 64 … frames.
  assert len(compiled) <= {'pa3d': 1, 'jmrn': 6}[run[0]], compiled


def test_a_batch_predicts_as_clips_alone_do(run, predictor):
  source = tiny_run.source()
  clips = [source.load(video_id) for video_id in source.splits['test'][:11]]
  clips[3] = dataclasses.replace(
    clips[3], keypoints=clips[3].keypoints[:2], scores=clips[3].scores[:2]
  )
  before = predictor._evaluate._cache_size()
  together = predictor.predict((clip for clip in clips), batch_size=8)
  assert [p.video_id for p in together] == [clip.video_id for clip in clips]
  # Eight rows, and four for the last three clips.
  assert predictor._evaluate._cache_size() <= before + 2
  for clip, prediction in zip(clips, together, strict=True):
    alone = predictor(clip)
    np.testing.assert_allclose(
      prediction.probabilities, alone.probabilities, rtol=1e-5, atol=1e-7
    )
    if run[0] == 'jmrn':
      np.testing.assert_allclose(
        prediction.joint_weights, alone.joint_weights, rtol=1e-5
      )


def test_few_shapes_whatever_the_number_of_clips(predictor):
  clips = [tiny_run.source().load(f'test_{500 + n}') for n in range(7)]
  predictor.predict(clips, batch_size=4)
  compiled = predictor._evaluate._cache_size()
  for count in range(8):
    assert len(predictor.predict(clips[:count], batch_size=4)) == count
  assert predictor._evaluate._cache_size() <= compiled + 2  # 1, 2 and 4 rows in all.
  with pytest.raises(PredictorError, match='batch_size is 0, but must be at least 1'):
    predictor.predict(clips, batch_size=0)


def test_poses_and_ready_maps_in_one_call(run, predictor):
  if run[0] == 'pa3d':
    pytest.skip('PA3D reads no PoTion maps')
  maps = np.zeros((5, 16, 16, 3), np.float32)
  ready = PotionClip('ready', maps, 8, tiny_run.SKELETON)
  clip = tiny_run.source().load('test_500')
  found = predictor.predict([clip, ready, clip])
  assert [p.video_id for p in found] == ['test_500', 'ready', 'test_500']
  np.testing.assert_array_equal(found[0].probabilities, found[2].probabilities)


def test_poses_of_another_skeleton_are_mapped_with_a_warning(predictor):
  clip = tiny_run.source().load('test_500')
  joints = tuple(reversed(clip.skeleton.joints))
  other = dataclasses.replace(
    clip,
    skeleton=dataclasses.replace(clip.skeleton, name='reversed', joints=joints),
    keypoints=clip.keypoints[:, :, ::-1],
    scores=clip.scores[:, :, ::-1],
  )
  with pytest.warns(
    PoseWarning, match="of the skeleton 'reversed' are mapped to 'star'"
  ):
    mapped = predictor(other)
  np.testing.assert_array_equal(mapped.probabilities, predictor(clip).probabilities)


def test_joints_that_no_rule_derives_are_refused(predictor):
  clip = tiny_run.source().load('test_500')
  joints = tuple(f'{joint}_marker' for joint in clip.skeleton.joints)
  limbs = tuple((f'{a}_marker', f'{b}_marker') for a, b in clip.skeleton.limbs)
  other = Skeleton(name='markers', joints=joints, limbs=limbs)
  with pytest.raises(PredictorError, match="'test_500' has the joints of 'markers'"):
    predictor(dataclasses.replace(clip, skeleton=other))


def test_a_model_that_reads_background_maps_names_their_weight():
  config = tiny_run.get_jmrn_config()
  source = tiny_run.source(background=True)
  untrained = untrained_run.predictor(config, source.skeleton, tiny_run.CLASS_NAMES)
  prediction = untrained(source.load('test_500'))
  assert prediction.joint_weights.shape == (6,)
  assert prediction.joints == (*tiny_run.SKELETON.joints, 'background')
  assert {name for name, _ in prediction.top_joints()} == {*prediction.joints}


def test_labels_are_matched_by_name(predictor):
  source = tiny_run.source()  # Classes raise, lower, rest; test_500 is of rest.
  assert load_clip(source, 'test_500', predictor).labels == (2,)
  other = dataclasses.replace(source, class_names=('a', 'b', 'lower'))
  assert load_clip(other, 'test_500', predictor).labels == (1,)
  other = dataclasses.replace(source, class_names=('a', 'b', 'c'))
  assert load_clip(other, 'test_500', predictor).labels == ()


def test_clips_that_are_asked_for():
  source = tiny_run.source()
  assert len(offered_clips(source, None)) == tiny_run.NUM_TRAIN + tiny_run.NUM_TEST
  assert offered_clips(source, ['test_501']) == ('test_501',)
  with pytest.raises(PredictorError, match="no clip 'test_1' in these poses"):
    offered_clips(source, ['test_1'])


def test_a_timeline_has_windows_as_long_as_the_training_clips(predictor):
  clip = tiny_run.source().load('test_500')
  timeline = predictor.timeline(clip)
  assert timeline.windows.length == tiny_run.NUM_FRAMES
  # The only person, in the only window, is the clip itself.
  (one,) = timeline.people
  assert len(one.probabilities) == tiny_run.NUM_FRAMES
  np.testing.assert_allclose(
    one.probabilities[3], predictor(clip).probabilities, atol=1e-6
  )


def test_a_workdir_without_a_checkpoint(tmp_path):
  with pytest.raises(FileNotFoundError, match='there is no checkpoint in'):
    Predictor.from_workdir(tmp_path)
  assert not list(tmp_path.iterdir())  # Looking leaves nothing behind.
