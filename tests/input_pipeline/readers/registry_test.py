"""The reader registry: valid and invalid names, paths, skeletons and options."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.io

from input_pipeline.errors import PoseDataError, SkeletonError
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import READERS, Reader, read_poses
from input_pipeline.skeletons.registry import SKELETONS


@pytest.fixture
def pickle_file(tmp_path):
  annotation = {
    'frame_dir': 'a',
    'label': 0,
    'img_shape': (48, 64),
    'keypoint': np.full((1, 2, 17, 2), 9.0),
  }
  path = tmp_path / 'poses.pkl'
  path.write_bytes(pickle.dumps({'annotations': [annotation]}))
  return path


@pytest.fixture
def jhmdb_folder(tmp_path):
  clip = tmp_path / 'joint_positions' / 'wave' / 'w'
  clip.mkdir(parents=True)
  scipy.io.savemat(clip / 'joint_positions.mat', {'pos_img': np.full((2, 15, 3), 9.0)})
  (tmp_path / 'splits').mkdir()
  (tmp_path / 'splits' / 'wave_test_split1.txt').write_text('w.avi 1')
  return tmp_path


def test_skeleton_by_name(pickle_file):
  source = read_poses('pyskl', pickle_file, skeleton='coco_17')
  assert source.skeleton is SKELETONS['coco_17']
  assert source.load('a').num_frames == 2


@pytest.mark.parametrize('skeleton', [None, 'jhmdb'])
def test_format_with_a_skeleton_of_its_own(jhmdb_folder, skeleton):
  source = read_poses('jhmdb_tree', str(jhmdb_folder), skeleton=skeleton)
  assert source.skeleton is SKELETONS['jhmdb']
  assert source.load('w').num_frames == 3


def test_home_folder_is_expanded(pickle_file, monkeypatch):
  monkeypatch.setenv('HOME', str(pickle_file.parent))
  monkeypatch.setenv('USERPROFILE', str(pickle_file.parent))
  assert read_poses('pyskl', '~/poses.pkl', skeleton='coco_17').load('a')


def test_unknown_format(pickle_file):
  with pytest.raises(PoseDataError, match=r"no pose format 'pysk'; .*mean 'pyskl'\?"):
    read_poses('pysk', pickle_file)
  with pytest.raises(
    PoseDataError, match=r"format 'zzz'\. Known: .*jhmdb_tree, jmrn_official"
  ):
    read_poses('zzz', pickle_file)


def test_skeleton_is_missing(pickle_file):
  with pytest.raises(
    PoseDataError, match=r"'pyskl', does not name its joints: name the skeleton"
  ):
    read_poses('pyskl', pickle_file)


def test_skeleton_is_not_registered(pickle_file):
  with pytest.raises(SkeletonError, match=r"did you mean 'coco_17'"):
    read_poses('pyskl', pickle_file, skeleton='coco17')


def test_skeleton_is_not_the_formats(jhmdb_folder):
  with pytest.raises(PoseDataError, match=r"always has .* 'jhmdb', not 'coco_17'"):
    read_poses('jhmdb_tree', jhmdb_folder, skeleton='coco_17')


@pytest.mark.parametrize(
  ('format', 'expected'),
  [
    ('pyskl', r'a skeleton pickle of PYSKL'),
    ('jhmdb_tree', r'the folder that holds joint_positions/ and splits/'),
    ('penn_action', r'the labels/ folder of Penn Action'),
    ('jmrn_official', r"the folder that holds \*_train1\.pkl, .* of JMRN's official"),
  ],
)
def test_path_that_is_not_what_the_format_expects(tmp_path, format, expected):
  a_file = tmp_path / 'file'
  a_file.touch()
  wrong = tmp_path if READERS[format].kind == 'file' else a_file
  skeleton = READERS[format].skeleton or 'jhmdb'
  kind = 'folder' if wrong is tmp_path else 'file'
  with pytest.raises(PoseDataError, match=rf'is a {kind}, but format .*{expected}'):
    read_poses(format, wrong, skeleton=skeleton)
  with pytest.raises(PoseDataError, match=rf'gone does not exist; .*{expected}'):
    read_poses(format, tmp_path / 'gone', skeleton=skeleton)


def test_options_are_for_formats_that_take_them(jhmdb_folder, pickle_file):
  with pytest.raises(
    PoseDataError, match=r"'jhmdb_tree' takes no frame_size; .*: none"
  ):
    read_poses('jhmdb_tree', jhmdb_folder, options=ReadOptions(frame_size=(3, 4)))
  with pytest.raises(
    PoseDataError, match=r"'pyskl' takes no per_person; .*: frame_size, max_people"
  ):
    options = ReadOptions(per_person=True)
    read_poses('pyskl', pickle_file, skeleton='coco_17', options=options)
  assert read_poses('jhmdb_tree', jhmdb_folder, options=ReadOptions()).load('w')


def test_a_format_of_videos_takes_files_and_folders(tmp_path):
  np.save(tmp_path / 'v.npy', np.full((2, 17, 3), 9.0))
  for path in (tmp_path, tmp_path / 'v.npy'):
    source = read_poses('numpy', path, skeleton='coco_17')
    assert source.splits == {'all': ('v',)}
  with pytest.raises(PoseDataError, match=r'gone does not exist; .*videos\.csv'):
    read_poses('numpy', tmp_path / 'gone', skeleton='coco_17')


def test_registry_needs_neither_scipy_nor_jax():
  program = (
    'import sys, input_pipeline.readers.registry;'
    'print(*(m for m in ("scipy", "jax", "requests") if m in sys.modules))'
  )
  done = subprocess.run(
    [sys.executable, '-c', program], capture_output=True, text=True, check=True
  )
  assert done.stdout.strip() == ''


def test_every_format_notes_an_exchanged_frame_size(tmp_path):
  """The walker crosses frames 64 wide and 24 high, but the pickle says 24 wide."""
  keypoints = np.full((1, 40, 17, 2), 9.0)
  keypoints[..., 0] = np.linspace(1, 62, 40)[:, None]
  sizes = {'wrong': (64, 24), 'right': (24, 64)}
  annotations = [
    {'frame_dir': name, 'label': 0, 'img_shape': size, 'keypoint': keypoints}
    for name, size in sizes.items()
  ]
  path = tmp_path / 'poses.pkl'
  path.write_bytes(pickle.dumps({'annotations': annotations}))
  source = read_poses('pyskl', path, skeleton='coco_17')
  assert source.load('right').notes == ()
  (note,) = source.load('wrong').notes
  assert note.kind == 'exchanged_frame_size_24x64'
  given = ReadOptions(frame_size=(24, 64))
  source = read_poses('pyskl', path, skeleton='coco_17', options=given)
  assert source.load('right').notes == ()
  assert [n.kind for n in source.load('wrong').notes] == ['given_frame_size', note.kind]


@pytest.mark.parametrize(
  ('format', 'name', 'message'),
  [
    ('numpy', 'v.nc', r"not a file of format 'numpy'.*\*\.nc fits format movement$"),
    ('movement', 'v.h5', r'\*\.h5 fits format sleap or deeplabcut$'),
    ('openpose', 'v.json.gz', r'\*\.json fits format alphapose or mmpose or .*coco'),
    ('coco', 'v.txt', r'expects a file of annotations .*videos\.csv$'),
  ],
)
def test_a_file_with_the_suffix_of_other_formats(tmp_path, format, name, message):
  (tmp_path / name).touch()
  with pytest.raises(PoseDataError, match=message):
    read_poses(format, tmp_path / name, skeleton='coco_17')


def test_a_fault_in_the_only_file_is_named_when_its_names_are_needed(tmp_path):
  (tmp_path / 'a.csv').write_text('x,y\n1,2\n')
  with pytest.raises(PoseDataError, match=r"a\.csv begins with 'x,y'"):
    read_poses('deeplabcut', tmp_path)
  names = SKELETONS['jhmdb'].joints
  columns = ['scorer' + ',n' * 30]
  columns.append(','.join(['bodyparts', *(n for n in names for _ in 'xy')]))
  columns.append('coords' + ',x,y' * 15)
  columns.append('0' + ',50,60' * 15)
  (tmp_path / 'b.csv').write_text('\n'.join(columns))
  assert read_poses('deeplabcut', tmp_path).skeleton is SKELETONS['jhmdb']


@pytest.mark.parametrize(
  'path', ['~nosuchuser/poses.pkl', 'x' * 300 + '.pkl', 'a\0b.pkl']
)
@pytest.mark.parametrize('format', ['pyskl', 'auto'])
def test_paths_that_the_system_refuses(path, format):
  with pytest.raises(PoseDataError, match=r'cannot be read|does not exist'):
    read_poses(format, path, skeleton='coco_17')


def test_any_exception_of_a_reader_becomes_an_error(tmp_path, monkeypatch):
  def read(path, skeleton):
    raise IndexError('list index out of range')

  monkeypatch.setitem(READERS, 'broken', Reader(read, 'file', 'any file'))
  (tmp_path / 'a').touch()
  message = (
    r'/a cannot be read: IndexError: list index out of range \(.*POSE_ACTION_DEBUG'
  )
  with pytest.raises(PoseDataError, match=message):
    read_poses('broken', tmp_path / 'a', skeleton='coco_17')
