"""One step and a whole evaluation per config, on small trees in official formats."""

import csv
import pickle

import jax
import numpy as np
import pytest

from configs import jmrn_charades, jmrn_hmdb51, jmrn_mimetics, pa3d_charades
from input_pipeline.storage.dataset import open_dataset
from pose_action.training import experiment

pytestmark = pytest.mark.usefixtures('no_tensorboard')


def annotation(name, number, **fields):
  """One person with 17 joints in six frames."""
  rng = np.random.default_rng(number)
  return {
    'frame_dir': name,
    'img_shape': (48, 64),
    'total_frames': 6,
    'keypoint': rng.uniform(5, 43, (1, 6, 17, 2)),
    'keypoint_score': rng.uniform(0.3, 1, (1, 6, 17)),
    **fields,
  }


def write_pickle(path, annotations, **fields):
  path.write_bytes(pickle.dumps({'annotations': annotations, **fields}))
  return path


def write_csv(path, rows):
  with path.open('w', encoding='utf-8', newline='') as file:
    csv.writer(file).writerows(rows)


def small(config, data_dir, poses, annotations=''):
  """A published setting with small sizes: one step of eight clips."""
  config = config.copy_and_resolve_references().unlock()
  config.data.data_dir = str(data_dir)
  config.data.poses = str(poses)
  config.data.annotations = str(annotations)
  config.data.map_short_side = 16
  config.data.map_size = (16, 16)
  config.data.map_sigma = 1.0
  config.model.features = (8, 16)
  if config.model.name == 'jmrn':
    config.model.compressed = config.model.selector_features = 8
    config.model.reasoning_features = config.model.projection_features = 8
  config.train.batch_size = 8
  config.train.epochs = 1
  config.train.eval_every_epochs = 1
  config.train.fast_cpu_convolutions = False
  config.eval.batch_size = 4
  return config


def run(config, workdir, one_device):
  # Optax's Adam and drop on plateau mix int32 with float32.
  with jax.numpy_dtype_promotion('standard'):
    results = experiment.train_and_evaluate(config, str(workdir), mesh=one_device)
  chosen = results['headline']
  (entry,) = (
    entry
    for entry in results['evaluations']
    if all(entry[name] == chosen[name] for name in ('split', 'checkpoint'))
  )
  with np.load(workdir / entry['scores']) as scores:
    return results, entry, dict(scores)


CLASSES = ('archery', 'bowling', 'playing violin', 'surfing water', 'juggling balls')


@pytest.fixture
def mimetics(tmp_path):
  """Six classes; Kinetics has three videos per class, and one in a seventh class."""
  classes = (*CLASSES, 'climbing a rope')
  columns = ['label', 'youtube_id', 'time_start', 'time_end']
  kinetics = [
    (name, f'k{label}_{n}', 10 * n, 10 * n + 10, 'train')
    for label, name in enumerate(classes)
    for n in range(3)
  ]
  kinetics.append(('testifying', 'k9_0', 0, 10, 'train'))
  mimed = [(name.replace(' ', '_'), f'm{i}', 1, 4) for i, name in enumerate(classes)]
  mimed.append((mimed[0][0], 'm9', 2, 8))
  folder = tmp_path / 'official'
  folder.mkdir()
  write_csv(folder / 'kinetics_train.csv', [[*columns, 'split'], *kinetics])
  write_csv(folder / 'mimetics_v1.0.csv', [columns, *mimed])
  poses = [
    write_pickle(
      tmp_path / f'{name}.pkl',
      [annotation(f'{row[0]}/{row[1]}', n) for n, row in enumerate(rows)],
    )
    for name, rows in (('kinetics', kinetics), ('mimetics', mimed))
  ]
  return ','.join(map(str, poses)), folder


@pytest.mark.long
def test_mimetics(mimetics, tmp_path, one_device):
  config = small(jmrn_mimetics.get_config(), tmp_path / 'data', *mimetics)
  results, entry, scores = run(config, tmp_path / 'run', one_device)
  assert entry['split'] == 'test'
  assert entry['num_clips'] == 7
  assert scores['class_names'].tolist() == sorted((*CLASSES, 'climbing a rope'))
  assert scores['labels'].tolist() == [0, 1, 4, 5, 3, 2, 0]  # In the list's order.
  train = open_dataset(tmp_path / 'data', 'mimetics', 'potion').clips('train')
  assert len(train) == 18
  ranks = (-scores['scores']).argsort(axis=1)
  own = ranks == scores['labels'][:, None]
  assert entry['accuracy'] == pytest.approx(own[:, :1].any(axis=1).mean())
  assert entry['top5'] == pytest.approx(own[:, :5].any(axis=1).mean())
  oracle = pytest.importorskip('sklearn.metrics')
  assert entry['mAP'] == pytest.approx(
    oracle.average_precision_score(
      np.eye(6)[scores['labels']], scores['scores'], average='macro'
    )
  )
  assert set(results['definitions']) == {'mAP', 'expected_calibration_error'}
  assert results['notes'][0].startswith('test has 7 clips here, but 713 as published')


@pytest.fixture
def charades(tmp_path):
  """Nine training videos and five test videos; v1 has no action and v4 no poses."""
  folder = tmp_path / 'official'
  folder.mkdir()
  names = [f'c{label:03} Class {label}\n' for label in range(3)]
  (folder / 'Charades_v1_classes.txt').write_text(''.join(names))
  columns = ['id', 'subject', 'actions', 'length']
  train = [(f't{n}', 'S', f'c00{n % 3} 0.00 2.50', 10) for n in range(9)]
  actions = ('c000 0.5 1.0;c002 1.0 3.0', '', 'c001 0.0 4.0', 'c001 0 1', 'c000 0 1')
  test = [(f'v{n}', 'S', of_video, 10) for n, of_video in enumerate(actions)]
  write_csv(folder / 'Charades_v1_train.csv', [columns, *train])
  write_csv(folder / 'Charades_v1_test.csv', [columns, *test])
  poses = [annotation(row[0], n) for n, row in enumerate([*train, *test[:4]])]
  return write_pickle(tmp_path / 'charades.pkl', poses), folder


def official_map(scores, labels):
  """The official script line by line: lists, sorted by score only."""
  precisions = []
  for k in range(labels.shape[1]):
    ranked = sorted(
      (-s[k] if row.any() else np.inf, place)
      for place, (s, row) in enumerate(zip(scores, labels, strict=True))
    )
    hits = [labels[place, k] for _, place in ranked]
    found = [sum(hits[: rank + 1]) / (rank + 1) for rank in range(len(hits))]
    if any(hits):
      precisions.append(np.dot(found, hits) / sum(hits))
  return np.mean(precisions)


def test_jmrn_on_charades(charades, tmp_path, one_device):
  config = small(jmrn_charades.get_config(), tmp_path / 'data', *charades)
  results, entry, scores = run(config, tmp_path / 'run', one_device)
  assert entry['split'] == 'val'
  assert scores['video_ids'].tolist() == ['v0', 'v1', 'v2', 'v3']
  np.testing.assert_array_equal(
    scores['labels'], [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 1, 0]]
  )
  expected = official_map(scores['scores'], scores['labels'])
  assert entry['charades_mAP'] == pytest.approx(expected)
  assert set(results['definitions']) == {'mAP', 'charades_mAP'}
  assert results['notes'][0].startswith('val has 4 clips here, but 1863 as published')
  data = open_dataset(tmp_path / 'data', 'charades', 'potion')
  ((split, video_id, reason),) = data.left_out
  assert (split, video_id) == ('val', 'v4')
  assert 'there are no poses' in reason


@pytest.mark.long
def test_pa3d_on_25_segments_of_charades(charades, tmp_path, one_device):
  options = 'views=25,representation=keypoints,frames=4'
  config = small(pa3d_charades.get_config(options), tmp_path / 'data', *charades)
  results, entry, scores = run(config, tmp_path / 'run', one_device)
  assert entry['views'] == 25
  assert '25 views of 4 frames per video' in results['protocol']
  assert entry['charades_mAP'] == pytest.approx(
    official_map(scores['scores'], scores['labels'])
  )


@pytest.mark.long
def test_hmdb51_is_the_same_by_its_pickle_and_by_its_lists(tmp_path, one_device):
  names = [f'{action}_{n}' for action in ('run', 'wave') for n in range(4)]
  sides = {name: 1 + (name[-1] == '3') for name in names}
  splits = {
    'train1': [name for name in names if sides[name] == 1],
    'test1': [name for name in names if sides[name] == 2],
  }
  annotations = [annotation(name, n) for n, name in enumerate(names)]
  lists = tmp_path / 'official' / 'splits'
  lists.mkdir(parents=True)
  for action in ('run', 'wave'):
    lines = [f'{name}.avi {sides[name]} \n' for name in names if action in name]
    (lists / f'{action}_test_split1.txt').write_text(''.join(lines))
  labelled = [a | {'label': int(a['frame_dir'][0] == 'w')} for a in annotations]
  official = write_pickle(tmp_path / 'hmdb51_hrnet.pkl', labelled, split=splits)
  own = write_pickle(tmp_path / 'own.pkl', annotations)
  found = []
  for name, poses, folder in (('a', official, ''), ('b', own, lists.parent)):
    config = small(jmrn_hmdb51.get_config(), tmp_path / name, poses, folder)
    config.train.batch_size = 4
    results, entry, scores = run(config, tmp_path / f'run_{name}', one_device)
    assert entry['split'] == 'test1'
    assert '1530 as published' in results['notes'][0]
    found.append(scores)
  assert found[0]['video_ids'].tolist() == splits['test1']
  assert found[0]['labels'].tolist() == [0, 1]
  assert found[1]['class_names'].tolist() == [
    'run',
    'wave',
  ]  # The pickle has numbers instead.
  for name in ('video_ids', 'labels', 'scores'):
    np.testing.assert_array_equal(found[0][name], found[1][name])
