"""The baselines without a model, by hand and on JHMDB, and what the program refuses."""

import re

import numpy as np
import pytest

from benchmarks.accuracy import floors
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import Skeleton

TWO_JOINTS = Skeleton('two', joints=('left_hand', 'right_hand'), limbs=())


def make_clip(keypoints, scores=None, *, video_id='clip', labels=(0,)):
  keypoints = np.array(keypoints, np.float32)
  scores = np.ones(keypoints.shape[:3]) if scores is None else np.array(scores)
  return PoseClip(video_id, keypoints, scores, (100, 100), TWO_JOINTS, labels)


def test_resample_is_linear_and_keeps_both_ends():
  # 3 frames resampled to 5: positions 0, 0.5, 1, 1.5, 2.
  values = np.array([[0.0, 1.0], [10.0, 1.0], [40.0, 5.0]])
  expected = [[0, 1], [5, 1], [10, 1], [25, 3], [40, 5]]
  np.testing.assert_allclose(floors.resample(values, 5), expected)
  np.testing.assert_allclose(floors.resample(values, 2), [[0, 1], [40, 5]])


def test_resample_repeats_a_single_frame():
  np.testing.assert_allclose(
    floors.resample(np.array([[[3.0, 4.0]]]), 3), [[[3, 4]]] * 3
  )


def test_centre_by_hand():
  # The mean of the three visible points is (3, 5); the fourth, far away, is missing.
  keypoints = np.array([[[0.0, 5.0], [3.0, 5.0]], [[6.0, 5.0], [900.0, 900.0]]])
  scores = np.array([[1.0, 1.0], [0.5, 0.0]])
  expected = [[[-3, 0], [0, 0]], [[3, 0], [0, 0]]]
  np.testing.assert_allclose(floors.centre(keypoints, scores), expected)


def test_centre_without_any_visible_joint():
  keypoints = np.full((2, 2, 2), 7.0)
  assert (floors.centre(keypoints, np.zeros((2, 2))) == 0).all()


def test_pose_vector_takes_the_person_with_the_highest_scores():
  person = [[1.0, 2.0], [3.0, 2.0]]
  clip = make_clip([[[[50, 50], [60, 60]], person]], [[[0.2, 0.3], [0.9, 0.9]]])
  vector = floors.pose_vector(clip)
  np.testing.assert_allclose(vector, [-1, 0, 1, 0] * 16, atol=1e-6)


def test_pose_vector_ignores_where_the_person_stands():
  keypoints = np.random.default_rng(0).uniform(0, 50, (7, 1, 2, 2))
  moved = floors.pose_vector(make_clip(keypoints + 20))
  np.testing.assert_allclose(moved, floors.pose_vector(make_clip(keypoints)), atol=1e-4)


def test_majority_by_hand():
  train = np.array([2, 1, 2, 0])
  assert floors.majority_accuracy(train, np.array([2, 2, 0, 1])) == 0.5


def test_nearest_neighbour_by_hand():
  train = np.array([[0.0, 0.0], [10.0, 0.0]])
  test = np.array([[4.0, 0.0], [6.0, 0.0], [9.0, 9.0]])
  # The nearest training clips are 0, 1 and 1, so the predictions are 5, 3, 3.
  accuracy = floors.nearest_neighbour_accuracy(
    train, np.array([5, 3]), test, np.array([5, 3, 5])
  )
  assert accuracy == pytest.approx(2 / 3)


def make_source(labels):
  """Ten clips of two gestures that differ in the distance between the hands."""
  clips = {
    f'v{i}': make_clip(
      [[[[0, i], [2 if i % 2 else 50, i]]]], video_id=f'v{i}', labels=labels(i)
    )
    for i in range(10)
  }
  return PoseSource(
    TWO_JOINTS, ('near', 'far'), {'all': tuple(clips)}, clips.__getitem__
  )


def test_floors_of_separable_clips():
  source = make_source(lambda i: (i % 2,))
  result = floors.floors_of_folds(source, 'all', [0, 4])
  # Each fold contains one clip per class, so the majority class is a tie.
  assert result == {'majority class': [0.5, 0.5], 'nearest neighbour': [1.0, 1.0]}
  with pytest.raises(ValueError, match='5 folds need at least 5 groups'):
    floors.floors_of_folds(source, 'all', [0], group_by='(v)')


def test_misuse():
  with pytest.raises(PoseDataError, match="no split 'test'; the poses have all"):
    floors.floors_of_folds(make_source(lambda i: (0,)), 'test', [0])
  with pytest.raises(PoseDataError, match=r"'v0' has the labels \(0, 1\), but .* one "):
    floors.floors_of_folds(make_source(lambda i: (0, 1)), 'all', [0])


def test_table_by_hand():
  lines = floors.table({'one': [0.5, 0.75, 1.0], 'two': [0.0, 0.0, 0.0]}, [0, 1, 4])
  head, one, two = (line.split() for line in lines.splitlines())
  assert ' '.join(head) == 'accuracy, % fold 0 fold 1 fold 4 mean ± std'
  # √((25² + 0 + 25²) / 2) = 25
  assert one == ['one', '50.0', '75.0', '100.0', '75.0', '25.0']
  assert two == ['two', '0.0', '0.0', '0.0', '0.0', '0.0']
  assert floors.table({'one': [0.5]}, [0]).splitlines()[1].split()[-1] == '-'


@pytest.mark.parametrize(
  ('rule', 'expected'),
  [('1', '70.1 64.2 63.5 65.9 3.6'), ('2', '62.6 67.3 66.7 65.5 2.5')],
)
def test_program_on_jhmdb(rule, expected, shared_data, capsys):
  poses = shared_data / 'jhmdb' / 'jhmdb_train1.pkl'
  arguments = ['--format=pyskl', f'--poses={poses}', '--skeleton=jhmdb']
  flags = ['--split=train1', '--folds=0,1,2', f'--fold_rule={rule}']
  floors.main([*arguments, *flags])
  lines = capsys.readouterr().out.splitlines()
  assert lines[0].endswith(' '.join(flags))
  assert lines[1].startswith('536 clips, 21 classes')
  # The figures in docs/results.md.
  figures = ' '.join(lines[-1].split())
  assert figures == f'nearest neighbour {expected}'


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      ['--format=x', '--poses=p', '--split=s', '--folds=5'],
      r"got '5', but need .*0\.\.4",
    ),
    (['--format=x', '--poses=p', '--split=s', '--folds=0-2'], "got '0-2', but need"),
    (['--format=x', '--poses=p', '--split=s'], "no pose format 'x'"),
  ],
)
def test_program_refuses(arguments, message, capsys):
  with pytest.raises(SystemExit) as stop:
    floors.main(arguments)
  assert stop.value.code == 2
  assert re.search(message, capsys.readouterr().err)
