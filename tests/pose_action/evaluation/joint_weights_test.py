"""Joint weights per video and per class, against means worked by hand."""

import numpy as np
import pytest

from input_pipeline.skeletons.other_people import with_others
from input_pipeline.skeletons.registry import Skeleton
from pose_action import plots
from pose_action.evaluation import joint_weights as joint_weight_report
from pose_action.evaluation.evaluation import Evaluation

ARM = Skeleton('arm', ('neck', 'left_wrist', 'right_wrist'), (('neck', 'left_wrist'),))
WEIGHTS = np.array([[0.1, 0.5, 0.9], [0.3, 0.5, 0.5], [0.8, 0.2, 0.0]])


def _evaluation(
  labels,
  classes=('wave', 'clap', 'sit'),
  weights: np.ndarray | None = WEIGHTS,
  skeleton=ARM,
):
  n, k = len(labels), len(classes)
  return Evaluation(
    split='test1',
    checkpoint='last',
    step=1,
    video_ids=[f'v{i}' for i in range(n)],
    scores=np.full((n, k), 0.5),
    labels=labels,
    class_names=classes,
    views=1,
    joint_weights=weights,
    skeleton=skeleton,
  )


def _weights_of(row):
  return np.array(row[2:], float)


def test_tables_hold_each_video_and_the_mean_of_each_class():
  tables = joint_weight_report.joint_weight_tables(_evaluation([0, 0, 1]))
  heading, *videos = tables['joint_weights']
  assert heading == ('video_id', 'class', 'neck', 'left_wrist', 'right_wrist')
  assert [row[:2] for row in videos] == [('v0', 'wave'), ('v1', 'wave'), ('v2', 'clap')]
  np.testing.assert_allclose([_weights_of(row) for row in videos], WEIGHTS, atol=1e-6)
  heading, *classes = tables['joint_weights_per_class']
  assert heading == ('class', 'clips', 'neck', 'left_wrist', 'right_wrist')
  assert [row[:2] for row in classes] == [('wave', 2), ('clap', 1), ('sit', 0)]
  np.testing.assert_allclose(_weights_of(classes[0]), [0.2, 0.5, 0.7], atol=1e-6)
  np.testing.assert_allclose(_weights_of(classes[1]), WEIGHTS[2], atol=1e-6)
  assert classes[2][2:] == ('', '', '')


def test_a_clip_of_several_labels_counts_for_each_of_its_classes():
  labels = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0]])
  tables = joint_weight_report.joint_weight_tables(_evaluation(labels))
  assert [row[1] for row in tables['joint_weights'][1:]] == ['wave; clap', 'wave', '']
  _, wave, clap, _ = tables['joint_weights_per_class']
  assert (wave[1], clap[1]) == (2, 1)
  np.testing.assert_allclose(_weights_of(wave), [0.2, 0.5, 0.7], atol=1e-6)
  np.testing.assert_allclose(_weights_of(clap), WEIGHTS[0], atol=1e-6)


def test_a_model_without_joint_weights_has_neither_tables_nor_pictures():
  without = _evaluation([0, 0, 1], weights=None)
  assert joint_weight_report.joint_weight_tables(without) == {}
  assert joint_weight_report.joint_weight_images(without) == {}


@pytest.fixture
def drawn(monkeypatch):
  """The arguments that each picture is drawn from, by name."""
  calls = {}

  def record(name):
    def draw(*arguments):
      calls[name] = arguments
      return np.zeros((1, 1, 3), np.uint8)

    return draw

  for name in ('joint_weights_image', 'skeleton_weights_image'):
    monkeypatch.setattr(plots, name, record(name))
  return calls


def test_pictures_show_all_clips_first_and_only_classes_that_have_clips(drawn):
  images = joint_weight_report.joint_weight_images(_evaluation([0, 0, 2]))
  assert set(images) == {'joint_weights', 'joint_weights_skeleton'}
  weights, titles, names, limbs = drawn['skeleton_weights_image']
  assert titles == ['all clips', 'wave', 'sit']
  expected = [[0.4, 0.4, 1.4 / 3], [0.2, 0.5, 0.7], WEIGHTS[2]]
  np.testing.assert_allclose(weights, expected, atol=1e-6)
  assert (names, limbs) == (ARM.joints, ARM.limbs)
  means, classes, _ = drawn['joint_weights_image']
  assert classes == ('wave', 'clap', 'sit')
  assert np.isnan(means).all(axis=1).tolist() == [False, True, False]


def test_joints_of_others_are_drawn_on_a_figure_of_their_own(drawn):
  weights = np.concatenate([WEIGHTS, WEIGHTS / 2], axis=1)
  evaluation = _evaluation([0, 0, 2], weights=weights, skeleton=with_others(ARM))
  joint_weight_report.joint_weight_images(evaluation)
  figures, titles, names, limbs = drawn['skeleton_weights_image']
  assert titles == [
    *('all clips', 'all clips, others', 'wave', 'wave, others', 'sit', 'sit, others')
  ]
  own = np.array([[0.4, 0.4, 1.4 / 3], [0.2, 0.5, 0.7], WEIGHTS[2]])
  np.testing.assert_allclose(figures[::2], own, atol=1e-6)
  np.testing.assert_allclose(figures[1::2], own / 2, atol=1e-6)
  assert (names, limbs) == (ARM.joints, ARM.limbs)
  _, _, named = drawn['joint_weights_image']
  assert named == with_others(ARM).joints  # The table shows all joints.


def test_of_too_many_classes_those_farthest_from_the_mean_are_drawn(drawn):
  # 30 classes with a clip each; the middle classes are closest to the mean.
  weights = np.repeat(np.linspace(0, 1, 30)[:, None], 3, axis=1)
  names = [f'c{i:02}' for i in range(30)]
  evaluation = _evaluation(np.arange(30), names, weights)
  joint_weight_report.joint_weight_images(evaluation)
  _, titles, *_ = drawn['skeleton_weights_image']
  assert len(titles) == 24
  # 23 of 30: the seven closest to the middle are left out; the last two are equally far,
  # so that either may be drawn.
  assert titles[1:12] == names[:11]
  assert titles[-11:] == names[-11:]
