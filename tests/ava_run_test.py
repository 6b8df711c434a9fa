"""JMRN on a small AVA in the official format: from its files to the frame mAP."""

import dataclasses
import json

import ava_tree
import jax
import numpy as np
import pytest

from configs import jmrn_ava
from input_pipeline.annotations.ava import Annotations, PersonBox
from input_pipeline.export.open_or_export import open_or_export
from input_pipeline.loading.loader import evaluation_batches
from input_pipeline.model_input import batch_input
from input_pipeline.skeletons.other_people import one_person
from pose_action.evaluation.ava import frame_map
from pose_action.evaluation.average_precision import average_precision
from pose_action.evaluation.score_files import read_scores
from pose_action.runtime import sharding
from pose_action.training import experiment, run_data


@pytest.fixture
def loose_dtypes():
  """Optax's Adam and drop on plateau mix int32 with float32."""
  with jax.numpy_dtype_promotion('standard'):
    yield


def small(folder, arg=''):
  """The experiment with a quarter of the map size and a narrow network."""
  config = jmrn_ava.get_config(arg).unlock()
  config.data.data_dir = str(folder / 'data')
  config.data.poses = str(folder / 'ava')
  config.data.validation_folds = 2  # One of two training movies is held out.
  config.data.map_short_side, config.data.map_size = 16, (16, 16)
  config.data.map_sigma = 1.0
  config.model.compressed, config.model.features = 4, (8, 16)
  config.model.selector_features, config.model.reasoning_features = 8, 16
  config.model.projection_features = 8
  config.augment.pose_aware.global_shift = 3.0
  config.augment.pose_aware.group_shift = 2.0
  config.train.batch_size, config.train.epochs = 4, 1
  config.train.eval_every_epochs = 1
  return config.lock()


@pytest.fixture
def folder(tmp_path):
  ava_tree.write(tmp_path / 'ava')
  return tmp_path


def open_data(config) -> run_data.RunData:
  data = config.data
  dataset = open_or_export(
    dataset=data.dataset,
    representation=data.representation,
    data_dir=data.data_dir,
    poses=data.poses,
    skeleton=data.skeleton or None,
    short_side=data.map_short_side,
    sigma=data.map_sigma,
    progress=lambda line: None,
  )
  return run_data.make_run_data(config, dataset)


def test_a_run_ends_with_scores_that_the_frame_map_is_had_of(folder, loose_dtypes):
  config = small(folder)
  mesh = sharding.make_mesh(jax.devices()[:1])
  results = experiment.train_and_evaluate(config, str(folder / 'run'), mesh=mesh)
  assert results is not None
  entries = {e['split']: e for e in results['evaluations'] if e['checkpoint'] == 'last'}
  assert set(entries) == {'validation', 'val'}
  assert entries['val']['step'] == 1
  (first, *_) = (folder / 'run' / 'metrics.jsonl').read_text().splitlines()
  assert np.isfinite(json.loads(first)['train/loss'])
  assert 0 < entries['val']['box_mAP'] <= 1
  assert 'tools/evaluate_ava.py' in results['definitions']['box_mAP']

  scores = read_scores(str(folder / 'run' / 'scores_val.npz'))
  assert list(scores.class_names) == list(ava_tree.CLASSES.values())
  # All confident boxes; the box without a person still has others in view.
  corners = [PersonBox.from_name(name).corners for name in scores.video_ids]
  expected = [box for box, score in ava_tree.DETECTED.items() if score >= 0.8]
  assert corners == 2 * expected
  annotations = Annotations(folder / 'ava')
  figures = frame_map(scores, annotations)
  # Two boxes for the right person: at best one is right per class.
  assert (figures.positives == 2).all()
  assert ((figures.precisions > 0) & (figures.precisions <= 1)).all()
  # With right scores all boxes are right as clips. But the first two that bend are the
  # same person, so that the second person comes third: (1 + 2/3) / 2.
  labels = np.load(folder / 'run' / 'scores_val.npz')['labels'].astype(float)
  best = frame_map(dataclasses.replace(scores, probabilities=labels), annotations)
  assert average_precision(labels[:, 0], labels[:, 0]) == 1
  np.testing.assert_allclose(best.precisions, [5 / 6, 1, 1])


def test_a_model_reads_two_joints_for_each_of_the_layout(folder):
  config = small(folder, 'representation=keypoints')
  data = open_data(config)
  (batch,) = evaluation_batches(
    data.train.records,
    data.train.indices[:4],
    data.clip_settings,
    batch_size=4,
    num_views=1,
    read_threads=0,
  )
  # 25 frames and 7 padding frames; six places, for the person and for others.
  assert batch['keypoints'].shape == (4, 1, 32, 6, 34, 3)
  assert (batch['num_frames'] == 25).all()
  assert data.example_maps.shape == (1, 34, 16, 16, 3)


def test_a_movie_is_trained_or_validated_on_but_not_both(folder):
  data = open_data(small(folder, 'representation=keypoints'))
  assert data.validation is not None
  movies = [
    {PersonBox.from_name(name).video for name in split.video_ids}
    for split in (data.train, data.validation)
  ]
  assert [len(of_split) for of_split in movies] == [1, 1]
  assert movies[0] != movies[1]


def maps_of(folder, arg, name):
  """A test clip's PoTion maps, in the model's input format."""
  config = small(folder, arg)
  data = open_data(config)
  assert data.test is not None
  index = data.test.video_ids.index(name)
  (batch,) = evaluation_batches(
    data.test.records,
    data.test.indices[[index]],
    data.clip_settings,
    batch_size=1,
    num_views=1,
    read_threads=0,
  )
  (pixels,) = {'keypoints', 'potion'} & batch.keys()
  maps = batch_input(
    batch | {pixels: batch[pixels][:, 0]},
    None,
    skeleton=data.skeleton,
    settings=data.map_settings,
    augmentation=data.augment_settings,
  )
  return np.asarray(maps)[0]


def test_a_model_cannot_tell_which_representation_fed_it(folder):
  name = f'{ava_tree.VAL},0902,{",".join(ava_tree.RIGHT)}'
  rendered = maps_of(folder, 'representation=keypoints', name)
  stored = maps_of(folder, 'representation=potion', name)
  assert rendered.shape == (34, 16, 16, 3)
  np.testing.assert_allclose(rendered, stored, atol=2e-3)  # Half precision.
  assert (rendered[:17] > 0.1).any(axis=(1, 2, 3)).all()
  assert (rendered[17:] > 0.01).any()  # The middle person is close.


def test_without_context_there_is_the_person_alone(folder, tmp_path_factory):
  name = f'{ava_tree.VAL},0902,{",".join(ava_tree.RIGHT)}'
  both = maps_of(folder, 'representation=keypoints', name)
  other = tmp_path_factory.mktemp('alone')
  ava_tree.write(other / 'ava')
  alone = maps_of(other, 'representation=keypoints,context=false', name)
  np.testing.assert_allclose(alone, both[:17], atol=1e-6)
  data = open_data(small(other, 'representation=keypoints,context=false'))
  assert one_person(data.skeleton) == data.skeleton
  # The box without a person then shows nothing, and is left out.
  assert data.test is not None
  corners = {PersonBox.from_name(name).corners for name in data.test.video_ids}
  assert corners == {ava_tree.NEARLY_LEFT, ava_tree.RIGHT, ava_tree.NEARLY_RIGHT}


def test_what_is_missing_is_said_before_anything_starts(folder):
  (folder / 'ava' / 'ava_val_predicted_boxes.csv').unlink()
  with pytest.raises(ValueError, match=r'lacks ava_val_predicted_boxes\.csv') as error:
    experiment.train_and_evaluate(small(folder), str(folder / 'run'))
  assert 'ava needs as poses one folder' in str(error.value)
