"""PYSKL's published pickles: small ones of the same layout, by their data sets' names."""

import pickle

import numpy as np
import pytest

from input_pipeline.catalog.open_source import load_source
from input_pipeline.catalog.protocols import PROTOCOLS
from input_pipeline.errors import PoseDataError, PoseDatasetError

# The names of clips in each file, and the number of classes.
PUBLISHED = {
  'ntu60': ('S001C00{0}P003R001A0{1:02}', 60),
  'ntu120': ('S018C00{0}P0{1:02}R001A120', 120),
  'finegym': ('A0xAXXysHUo_002184_002237_00{1:02}_00{0}7', 99),
  'diving48': ('_8Vy3dlHg2w_000{1:02}{0}', 48),
  'ucf101': ('v_ApplyEyeMakeup_g{1:02}_c0{0}', 101),
  'hmdb51': ('brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_{0}{1}', 51),
}


def published(dataset, people=2):
  """Four clips a split in half precision; each person stands 100 pixels to the right."""
  name, num_classes = PUBLISHED[dataset]
  splits, annotations = {}, {}
  for place, pair in enumerate(PROTOCOLS[dataset].splits):
    for side, split in enumerate(pair):
      # Protocols of one data set share their clips.
      numbers = [4 * ((side + place) % 2) + n for n in range(4)]
      splits[split] = [name.format(1 + n % 3, n) for n in numbers]
      for n in numbers:
        frames = 5 + n
        x = np.arange(frames)[:, None] + 10.0 * np.arange(17)
        keypoint = np.stack([x + 100.0 * np.ones_like(x), x + 0.25], axis=-1)
        shift = np.array([[0, 0], [100, 0], [200, 0]])[:people, None, None]
        annotations[name.format(1 + n % 3, n)] = {
          'frame_dir': name.format(1 + n % 3, n),
          'label': np.int64(num_classes - 1 - n),
          'img_shape': (1080, 1920),
          'original_shape': (1080, 1920),
          'total_frames': np.int32(frames),
          'keypoint': (keypoint[None] + shift).astype(np.float16),
          'keypoint_score': np.full((people, frames, 17), 0.9, np.float16),
        }
  return {'split': splits, 'annotations': list(annotations.values())}


@pytest.mark.parametrize('dataset', PUBLISHED)
def test_a_published_pickle_opens_with_its_own_splits(dataset, tmp_path):
  content = published(dataset)
  file = tmp_path / f'{dataset}_hrnet.pkl'
  file.write_bytes(pickle.dumps(content))

  source = load_source(dataset, poses=file)

  pairs = PROTOCOLS[dataset].splits
  assert list(source.splits) == [split for pair in pairs for split in pair]
  assert source.splits == {name: tuple(v) for name, v in content['split'].items()}
  assert len(source.class_names) == PUBLISHED[dataset][1]
  assert (source.multi_label, [n.kind for n in source.notes]) == (False, ['recognised'])
  clip = source.load(source.splits[pairs[0][0]][2])
  assert clip.labels == (PUBLISHED[dataset][1] - 3,)
  assert (clip.frame_size, clip.skeleton.name) == ((1080, 1920), 'coco_17')
  assert clip.keypoints.shape == (7, 2, 17, 2)
  # Person 1, frame 6, joint 16: 6 + 160 + 100 and 100 to the right; halves round.
  assert clip.keypoints[6, 1, 16].tolist() == [366, 166.25]
  np.testing.assert_allclose(clip.scores, 0.9, atol=5e-4)
  assert clip.notes == ()


def kinetics(folder, place='kpfiles'):
  """Two clips a split; frames are counted from 1, and frame 2 of 4 shows two people."""
  (folder / place).mkdir(parents=True)
  annotations = []
  for n, name in enumerate(['-3B32lodo2M_000059', '-7kbO0v4hag_000107', 'a', 'b']):
    frames = np.array([1, 2, 2, 4], np.int16)
    x = 50.0 * np.array([0, 0, 8, 0])[:, None] + 10 * np.arange(17) + 100
    keypoint = np.stack([x, x + n, np.full_like(x, 0.5)], axis=-1).astype(np.float16)
    annotations.append(
      {
        'frame_dir': name,
        'label': 399 - n,
        'img_shape': (340, 640),
        'original_shape': (340, 640),
        'total_frames': 4,
        'frame_inds': frames,
        'box_score': np.array([0.9, 0.8, 0.7, 0.9], np.float16),
        'valid': {0.5: 3, 0.6: 3},
        'raw_file': f'data/k400/kpfiles/{n // 2}.pkl',
      }
    )
    file = folder / place / f'{n // 2}.pkl'
    content = pickle.loads(file.read_bytes()) if file.exists() else {}
    file.write_bytes(pickle.dumps(content | {name: {'keypoint': keypoint}}))
  names = [annotation['frame_dir'] for annotation in annotations]
  split = {'train': names[:2], 'val': names[2:]}
  file = folder / 'k400_hrnet.pkl'
  file.write_bytes(pickle.dumps({'split': split, 'annotations': annotations}))
  return file


def test_kinetics_with_its_folder_of_clips(tmp_path):
  source = load_source('kinetics400', poses=kinetics(tmp_path))

  assert source.splits['train'] == ('-3B32lodo2M_000059', '-7kbO0v4hag_000107')
  assert len(source.class_names) == 400
  clip = source.load('b')
  assert (clip.labels, clip.frame_size) == ((396,), (340, 640))
  seen = (clip.scores > 0).any(axis=-1)
  assert seen.tolist() == [[True, False], [True, True], [False, False], [True, False]]
  assert clip.keypoints[1, 1, 2].tolist() == [520, 523]
  assert clip.keypoints[3, 0, 2].tolist() == [120, 123]


def test_kinetics_without_its_folder_says_where_it_goes(tmp_path):
  file = kinetics(tmp_path / 'all', 'kpfiles')
  alone = tmp_path / file.name
  alone.write_bytes(file.read_bytes())
  source = load_source('kinetics400', poses=alone)
  with pytest.raises(PoseDataError, match=r'no file .*kpfiles/0\.pkl; put the kpfiles'):
    source.load('-3B32lodo2M_000059')


def test_another_data_set_s_pickle_is_refused(tmp_path):
  file = tmp_path / 'gym_hrnet.pkl'
  file.write_bytes(pickle.dumps(published('finegym')))
  with pytest.raises(
    PoseDatasetError,
    match=r"'ntu60' has the splits xsub_train, xsub_val, .* has train, val\n.*"
    r'nturgbd/ntu60_hrnet\.pkl\)',
  ):
    load_source('ntu60', poses=file)


def test_the_3d_pickle_of_ntu_is_refused(tmp_path):
  content = published('ntu60')
  for annotation in content['annotations']:
    shape = (1, annotation['total_frames'], 25, 3)
    annotation['keypoint'] = np.full(shape, 0.5, np.float32)
    del annotation['keypoint_score'], annotation['img_shape']
  file = tmp_path / 'ntu60_3danno.pkl'
  file.write_bytes(pickle.dumps(content))
  source = load_source('ntu60', poses=file)
  with pytest.raises(PoseDataError, match='3-D poses are not read'):
    source.load(source.splits['xsub_val'][0])
