"""A user's own data, from OpenPose files and videos.csv to a model's prediction."""

import json
import pathlib

import jax
import numpy as np
import tiny_run

from input_pipeline.catalog.open_source import load_source
from input_pipeline.export.export import export_dataset
from input_pipeline.readers.options import ReadOptions
from input_pipeline.storage.dataset import open_dataset
from pose_action.inference.predictor import Predictor
from pose_action.runtime import sharding
from pose_action.training import experiment


def write_video(folder: pathlib.Path, number: int, wave: bool):
  """Eight frames of a person who waves or not; every third video shows two people."""
  folder.mkdir()
  rng = np.random.default_rng(number)
  for frame in range(8):
    people = []
    for place in range(1 + (number % 3 == 0)):
      joints = rng.uniform(0, 40, (25, 2)) + np.array([100 + 150 * place, 60])
      joints[4, 1] += 30 * wave * np.sin(frame)
      scored = np.column_stack([joints, rng.uniform(0.3, 1, 25)])
      people.append({'person_id': [-1], 'pose_keypoints_2d': scored.ravel().tolist()})
    rng.shuffle(people)
    file = folder / f'v_{frame:012}_keypoints.json'
    file.write_text(json.dumps({'version': 1.3, 'people': people}))


def test_from_openpose_to_a_prediction(tmp_path):
  poses, data_dir = tmp_path / 'poses', tmp_path / 'data'
  poses.mkdir()
  rows = ['path,split,label']
  for number in range(16):
    write_video(poses / f'v{number:02}', number, wave=number % 2 == 0)
    split = 'train' if number < 12 else 'test'
    rows.append(f'v{number:02},{split},{("wave", "stand")[number % 2]}')
  (poses / 'videos.csv').write_text('\n'.join([*rows, 'gone,train,wave\n']))
  how = {
    'format': 'openpose',
    'skeleton': 'body_25',
    'options': ReadOptions(frame_size=(240, 320)),
  }

  source = load_source('mine', poses=poses, **how)
  summary = export_dataset(
    source,
    dataset='mine',
    representation='keypoints',
    data_dir=data_dir,
    progress=lambda line: None,
  )
  assert 'left out:\n    gone: ' in str(summary)
  stored = open_dataset(data_dir, 'mine', 'keypoints').records('train')[0]
  clip = source.load('v00')
  np.testing.assert_array_equal(stored['keypoints'][..., :2], clip.keypoints)
  assert stored['keypoints'].shape == (8, 2, 25, 3)

  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.dataset = 'mine'
  config.data.data_dir = str(data_dir)
  config.train.epochs = 1
  config.train.batch_size = 8
  workdir = tmp_path / 'run'
  mesh = sharding.make_mesh(jax.devices()[:1])
  experiment.train_and_evaluate(config, str(workdir), mesh=mesh)

  results = json.loads((workdir / 'results.json').read_text())
  evaluated = {e['split']: e['num_clips'] for e in results['evaluations']}
  assert evaluated['test'] == 4
  predictor = Predictor.from_workdir(workdir)
  assert predictor.class_names == ('stand', 'wave')
  lone = load_source('mine', poses=poses / 'v01', **how).load('v01')
  assert lone.labels == ()
  shares = predictor(lone).probabilities
  np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-5)
