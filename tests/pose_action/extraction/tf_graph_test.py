"""Frozen TensorFlow graphs: a hand-made graph and a real pose network."""

import sys

import numpy as np
import pytest

from input_pipeline.skeletons.registry import get_skeleton
from pose_action.extraction.extractor import ExtractorError
from pose_action.extraction.peaks import cells_to_pixels, pick_peaks
from pose_action.extraction.tf_graph import GraphTensors, TfGraphExtractor

SKELETON = get_skeleton('openpose_18_background')


@pytest.fixture(scope='module')
def tf():
  pytest.importorskip('cv2', reason='OpenCV is not installed')
  return pytest.importorskip('tensorflow', reason='TensorFlow is not installed')


def write_graph(tf, path, channels=57, stride=8):
  """Writes a graph whose maps are known.

  Channels 0 to 2 are each cell's mean blue, green and red, channel 3 is the number of
  frames, and each other channel is its own number. Features are blue, green and red.
  """
  with tf.Graph().as_default() as graph:
    v1 = tf.compat.v1
    image = v1.placeholder(tf.float32, [None, None, None, 3], name='image')
    cells = tf.nn.avg_pool2d(image, stride, stride, 'SAME')
    count = tf.cast(tf.shape(image)[0], tf.float32)
    rest = tf.ones_like(cells[..., :1]) * (
      tf.concat([[count], tf.range(4, channels, dtype=tf.float32)], axis=0)
    )
    tf.concat([cells, rest], axis=-1, name='Openpose/concat_stage7')
    tf.identity(cells, name='feat_concat')
    path.write_bytes(graph.as_graph_def().SerializeToString())
  return path


@pytest.fixture(scope='module')
def graph_file(tf, tmp_path_factory):
  return write_graph(tf, tmp_path_factory.mktemp('graph') / 'graph.pb')


def test_reads_blue_first_one_frame_at_a_time(graph_file):
  frames = np.zeros((3, 30, 40, 3), np.uint8)
  frames[...] = [192, 128, 32]
  maps = TfGraphExtractor(graph_file, input_size=(64, 32))(frames)
  joints, parts = maps.by_modality['joints'], maps.by_modality['parts']
  assert (joints.shape, parts.shape) == ((3, 4, 8, 19), (3, 4, 8, 38))
  assert joints.dtype == np.float32
  # x / 128 - 1 for blue, green and red; then the number of frames.
  np.testing.assert_allclose(
    joints[..., :4], np.broadcast_to([-0.75, 0, 0.5, 1], (3, 4, 8, 4))
  )
  np.testing.assert_array_equal(joints[0, 0, 0, 4:], np.arange(4, 19))
  np.testing.assert_array_equal(parts[0, 0, 0], np.arange(19, 57))
  # 30 rows in 4 cells, and 40 columns in 8.
  assert maps.cell_size == (7.5, 5.0)


def test_signed_features_become_two_maps_each(graph_file):
  frames = np.full((1, 32, 32, 3), 32, np.uint8)
  frames[..., 0] = 192
  extractor = TfGraphExtractor(graph_file, input_size=(32, 32))
  features = extractor(frames).by_modality['features']
  assert (extractor.num_features, features.shape) == (6, (1, 4, 4, 6))
  np.testing.assert_allclose(features[0, 0, 0], [0, 0, 0.5, 0.75, 0.75, 0])


def test_unsigned_features_and_no_features(graph_file):
  frames = np.full((1, 32, 32, 3), 51, np.uint8)
  tensors = GraphTensors(signed_features=False)
  extractor = TfGraphExtractor(
    graph_file, input_size=(32, 32), pixels='unit', tensors=tensors
  )
  features = extractor(frames).by_modality['features']
  np.testing.assert_allclose(features[0, 0, 0], [0.2, 0.2, 0.2], rtol=1e-6)
  extractor = TfGraphExtractor(
    graph_file, input_size=(32, 32), tensors=GraphTensors(features='')
  )
  assert (extractor.modalities, extractor.num_features) == (('joints', 'parts'), 0)
  assert extractor(frames).by_modality.keys() == {'joints', 'parts'}


def test_raw_and_unknown_pixels(graph_file):
  frames = np.full((1, 32, 32, 3), 51, np.uint8)
  maps = TfGraphExtractor(graph_file, input_size=(32, 32), pixels='raw')(frames)
  np.testing.assert_allclose(maps.by_modality['joints'][..., :3], 51)
  with pytest.raises(
    ExtractorError, match=r"pixels is 'bgr', but .* signed, unit, raw"
  ):
    TfGraphExtractor(graph_file, pixels='bgr')


def test_describes_itself(graph_file):
  extractor = TfGraphExtractor(graph_file)
  assert (extractor.name, extractor.skeleton) == ('tf_graph', SKELETON)
  assert extractor.settings['input_size'] == [432, 368]
  assert extractor.settings['pixels'] == 'signed'
  assert extractor.settings['tensors']['maps'] == 'Openpose/concat_stage7:0'


def test_files_without_a_graph_are_refused(tf, tmp_path):
  with pytest.raises(ExtractorError, match=r'there is no file .*gone\.pb'):
    TfGraphExtractor(tmp_path / 'gone.pb')
  (tmp_path / 'junk.pb').write_bytes(b'\x0f junk')
  with pytest.raises(
    ExtractorError, match=r'junk\.pb is not a frozen TensorFlow graph'
  ):
    TfGraphExtractor(tmp_path / 'junk.pb')
  (tmp_path / 'empty.pb').write_bytes(b'')
  with pytest.raises(ExtractorError, match=r'empty\.pb holds an empty graph'):
    TfGraphExtractor(tmp_path / 'empty.pb')


def add_file_operation(tf, graph, target):
  """Adds maps that write a file whenever they are computed."""
  with graph.as_default():
    maps = graph.get_tensor_by_name('Openpose/concat_stage7:0')
    write = tf.raw_ops.WriteFile(filename=str(target), contents='gotcha')
    with tf.control_dependencies([write]):
      tf.identity(maps, name='maps')


def test_a_graph_that_would_write_a_file_is_refused(tf, graph_file, tmp_path):
  definition = tf.compat.v1.GraphDef.FromString(graph_file.read_bytes())
  with tf.Graph().as_default() as graph:
    tf.compat.v1.import_graph_def(definition, name='')
  add_file_operation(tf, graph, tmp_path / 'stolen.txt')
  hostile = tmp_path / 'hostile.pb'
  hostile.write_bytes(graph.as_graph_def().SerializeToString())
  with pytest.raises(
    ExtractorError, match=r'operations .*: WriteFile \(WriteFile\); gi'
  ):
    TfGraphExtractor(hostile, input_size=(32, 32), tensors=GraphTensors(maps='maps:0'))
  assert not (tmp_path / 'stolen.txt').exists()


def test_a_functions_operations_count_too(tf, tmp_path):
  @tf.function
  def read(image):
    return tf.io.read_file('/etc/hostname'), image

  concrete = read.get_concrete_function(tf.TensorSpec([1], tf.float32))
  with tf.Graph().as_default() as graph:
    image = tf.compat.v1.placeholder(tf.float32, [1], name='image')
    concrete(image)
  (tmp_path / 'call.pb').write_bytes(graph.as_graph_def().SerializeToString())
  with pytest.raises(
    ExtractorError, match=r'PartitionedCall .*ReadFile \(\w+/ReadFile'
  ):
    TfGraphExtractor(tmp_path / 'call.pb')


def test_another_graph_is_refused(tf, graph_file, tmp_path):
  tensors = GraphTensors(maps='heatmaps:0')
  with pytest.raises(ExtractorError, match="no tensor 'heatmaps:0'; its inputs are im"):
    TfGraphExtractor(graph_file, tensors=tensors)
  other = write_graph(tf, tmp_path / 'other.pb', channels=52)
  with pytest.raises(
    ExtractorError, match=r'has shape \(4, 4, 52\) .* 57 channels: 19'
  ):
    TfGraphExtractor(other, input_size=(32, 32))
  with pytest.raises(ExtractorError, match=r'returns 5×4 cells .* of 36×32 pixels'):
    TfGraphExtractor(graph_file, input_size=(36, 32))
  with pytest.raises(ExtractorError, match=r'input_size is \(0, 32\)'):
    TfGraphExtractor(graph_file, input_size=(0, 32))


def test_without_tensorflow(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'tensorflow', None)
  (tmp_path / 'graph.pb').touch()
  message = r"tensorflow is not installed.*pip install 'pose-action-jax\[tensorboard"
  with pytest.raises(ExtractorError, match=message):
    TfGraphExtractor(tmp_path / 'graph.pb')


@pytest.fixture(scope='module')
def real(tf, shared_data):
  """Maps for the first and last frame of a real clip, and the annotated joints."""
  import cv2

  clip = shared_data / 'jhmdb' / 'clip'
  folder = clip / 'Goal_Keeping_Tips_catch_f_cm_np1_fr_med_2'
  frames = np.stack(
    [cv2.imread(str(folder / f'{n:05d}.png'))[..., ::-1] for n in (1, 40)]
  )
  truth = np.load(clip / 'gt_pos_img.npy')[[0, 39]]
  network = shared_data / 'pose_net' / 'mobilenet_v2_small.pb'
  return TfGraphExtractor(network, input_size=(656, 496))(frames), truth


def test_a_real_network_finds_the_joints(real):
  maps, truth = real
  cells, _ = pick_peaks(maps.by_modality['joints'][..., :18], threshold=0.05)
  found = cells_to_pixels(cells, maps.cell_size)
  layout = get_skeleton('jhmdb').joints
  shared = [joint for joint in SKELETON.joints if joint in layout]
  assert len(shared) == 13
  ours = found[:, [SKELETON.joints.index(joint) for joint in shared]]
  true = truth[:, [layout.index(joint) for joint in shared]]
  assert np.median(np.linalg.norm(ours - true, axis=-1)) < 12
  # Left and right are the person's, as in the skeleton: mirrored joints are far off.
  mirrored = [shared.index(swapped(joint)) for joint in shared]
  assert np.median(np.linalg.norm(ours[:, mirrored] - true, axis=-1)) > 15
  by_name = dict(zip(SKELETON.joints, found[0], strict=True))
  assert by_name['nose'][1] < by_name['right_hip'][1] < by_name['right_ankle'][1]


def swapped(joint):
  """The joint of the other side."""
  sides = {'left': 'right', 'right': 'left'}
  side, _, part = joint.partition('_')
  return f'{sides[side]}_{part}' if side in sides else joint


def test_fields_of_a_real_network_point_along_their_limbs(real):
  """So the fields are in the order and direction of the skeleton's limbs."""
  maps, truth = real
  layout = get_skeleton('jhmdb').joints
  fields = maps.by_modality['parts']
  answers, others = [], []
  for limb, (a, b) in enumerate(SKELETON.limbs):
    if a not in layout or b not in layout:
      continue
    ends = truth[:, [layout.index(a), layout.index(b)]]
    along = ends[:, 1] - ends[:, 0]
    unit = along / np.linalg.norm(along, axis=-1, keepdims=True)
    middle = ends.mean(axis=1)
    for frame in (0, 1):
      column, row = (middle[frame] // maps.cell_size[::-1]).astype(int)
      vectors = fields[frame, row - 1 : row + 2, column - 1 : column + 2]
      vectors = vectors.reshape(-1, 19, 2).mean(axis=0) @ unit[frame]
      answers.append(vectors[limb])
      others.append(np.delete(vectors, limb).mean())
  assert len(answers) == 24
  assert np.mean(answers) > 0.15
  assert np.mean(answers) > 3 * abs(np.mean(others))


def test_real_features_are_not_negative(real):
  features = real[0].by_modality['features']
  assert features.shape == (2, 62, 82, 128)
  assert features.min() == 0
  # Each pair has max(x, 0) and max(-x, 0), one of which is 0.
  assert not (features[..., :64] * features[..., 64:]).any()
