"""What a clip's picture is given, where its file lies, and which way up it stands."""

import dataclasses

import numpy as np
import pytest
import tiny_run
import untrained_run
from matplotlib import colormaps

from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import get_skeleton
from pose_action.inference import clip_picture as clip_pictures
from pose_action.inference.clip_picture import clip_picture, picture_name


def make_predictor(config, **data):
  config = config.copy_and_resolve_references().unlock()
  config.eval.views = 1
  skeleton = dataclasses.replace(
    tiny_run.SKELETON, background=data.pop('background', False)
  )
  config.data.update(data)
  return untrained_run.predictor(config, skeleton, tiny_run.CLASS_NAMES)


@pytest.fixture
def drawn(monkeypatch):
  """What the last picture was drawn of: (arguments, keyword arguments)."""
  calls = []

  def draw(*args, **kwargs):
    calls[:] = [(args, kwargs)]
    return np.zeros((4, 4, 3), np.uint8)

  monkeypatch.setattr(clip_pictures.plots, 'activations_image', draw)
  return calls


def test_the_title_says_what_was_predicted_and_what_is_true(drawn):
  predictor = make_predictor(tiny_run.get_config())
  clip = tiny_run.source().load('test_501')
  clip_picture(predictor, clip)
  ((title, subtitle, maps, motion_maps), rest) = drawn[0]
  shares = predictor(clip).probabilities
  likeliest = tiny_run.CLASS_NAMES[shares.argmax()]
  assert title == 'test_501'
  assert subtitle == f'predicted: {likeliest} ({shares.max():.1%})    labelled: raise'
  assert maps['joints'].shape == (4, 16, 16, 5)
  assert motion_maps['joints'].shape == (16, 16, 5, 4)
  assert rest['map_name'] == 'frame'
  clip_picture(predictor, dataclasses.replace(clip, labels=()))
  assert 'labelled' not in drawn[0][0][1]


def test_the_background_is_left_out_of_joints_alone(drawn):
  predictor = make_predictor(
    tiny_run.get_config(),
    background=True,
    modalities=('joints', 'joints_diff', 'parts'),
  )
  clip_picture(predictor, tiny_run.source(background=True).load('test_501'))
  _, _, maps, motion_maps = drawn[0][0]
  channels = {'joints': 5, 'joints_diff': 5, 'parts': 4}
  assert {name: shown.shape[-1] for name, shown in maps.items()} == channels
  assert {name: shown.shape[-2] for name, shown in motion_maps.items()} == channels


def test_a_model_without_motion_maps_is_shown_and_says_so(drawn):
  predictor = make_predictor(tiny_run.get_jmrn_config())
  clip_picture(predictor, tiny_run.source().load('test_501'))
  (_, subtitle, maps, motion_maps), rest = drawn[0]
  assert subtitle.endswith('(this model has no motion maps and no action CNN)')
  assert rest['map_name'] == 'colour'
  assert len(maps['joints']) == 3
  assert motion_maps == {}


def test_file_names_are_safe_and_never_the_same():
  assert picture_name('Swing-1_a.b é') != picture_name('Swing-1_a.b_é')
  assert picture_name('brush_hair-7.avi') == 'brush_hair-7.avi.png'
  odd = ['a/b', 'a_b', 'a b', '../a_b', 'x' * 300, 'x' * 301, '.', '/etc/passwd']
  names = [picture_name(video_id) for video_id in odd]
  assert len(set(names)) == len(odd)
  for name in names:
    assert name.endswith('.png') and len(name) < 120
    assert '/' not in name and not name.startswith('.')


def one_joint(x, y):
  """A clip of 48×64 pixels, of whose joints the head alone is there."""
  keypoints = np.zeros((4, 1, 5, 2), np.float32)
  scores = np.zeros((4, 1, 5), np.float32)
  keypoints[:, 0, 0], scores[:, 0, 0] = (x, y), 1
  return PoseClip('spot', keypoints, scores, (48, 64), tiny_run.SKELETON)


@pytest.mark.parametrize('left', [True, False])
@pytest.mark.parametrize('top', [True, False])
def test_a_joint_is_in_the_picture_where_it_is_in_the_frame(left, top):
  # The canvas shows the middle 48 pixels of the frame's 64.
  clip = one_joint(x=14 if left else 50, y=6 if top else 42)
  picture = clip_picture(make_predictor(tiny_run.get_config()), clip)
  is_empty = (picture == colormaps['magma'](0.0, bytes=True)[:3]).all(axis=-1)
  rows = np.flatnonzero(is_empty.sum(axis=1) > 100)
  rows = rows[rows < rows[0] + 150]  # Of the maps; the features' colours are the same.
  columns = np.flatnonzero(is_empty[rows].sum(axis=0) > 50)
  columns = columns[columns < columns[0] + 150]  # Of the first map.
  panel = picture[rows[0] : rows[-1], columns[0] : columns[-1]].sum(axis=-1)
  row, column = np.argwhere(panel == panel.max()).mean(axis=0) / panel.shape
  assert (row < 0.3) == top and (row > 0.7) != top
  assert (column < 0.3) == left and (column > 0.7) != left


def test_maps_of_a_real_frame_lie_where_its_annotation_does(shared_data):
  """240×320 pixels on 64×86 cells; the fields point along the annotated limbs."""
  skeleton = get_skeleton('jhmdb')
  joints = np.load(shared_data / 'jhmdb' / 'clip' / 'gt_pos_img.npy')
  clip = PoseClip('real', joints[:, None], np.ones((40, 1, 15)), (240, 320), skeleton)
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.eval.views = 1
  config.data.map_size, config.data.map_short_side = (64, 86), 64
  config.data.modalities = ('joints', 'parts')
  predictor = untrained_run.predictor(config, skeleton, tiny_run.CLASS_NAMES)
  maps = predictor.activations(clip).maps
  frame = 15  # The middle of the second of four segments of 40 frames.
  peaks = maps['joints'][1].reshape(-1, 15).argmax(axis=0)
  row, column = np.divmod(peaks, 86)
  # The frame's map is 64×85 cells, on a canvas of 86 from its first column on.
  pixels = np.stack([(column + 0.5) * 320 / 85, (row + 0.5) * 240 / 64], -1) - 0.5
  np.testing.assert_allclose(pixels, joints[frame], atol=240 / 64 / 2 + 0.01)

  for limb, (first, second) in enumerate(skeleton.limb_indices):
    along = joints[frame, second] - joints[frame, first]
    middle = joints[frame, [first, second]].mean(axis=0) + 0.5
    column, row = (middle * (85 / 320, 64 / 240)).astype(int)
    field = maps['parts'][1, row, column, 2 * limb : 2 * limb + 2]
    np.testing.assert_allclose(field, along / np.linalg.norm(along), atol=0.02)
