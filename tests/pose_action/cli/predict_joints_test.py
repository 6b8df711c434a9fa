"""Models and poses of different joints, through `pose-action predict`."""

import json

import numpy as np
import pytest
import tiny_run
import untrained_run
from program_calls import call

from input_pipeline.skeletons.registry import get_skeleton

# The models' joints and the files' joints.
PENN, COCO, WHOLE = 'penn_action', 'coco_17', 'coco_wholebody_133'


@pytest.fixture(scope='module')
def workdirs(tmp_path_factory):
  """Models of 13 and of 17 joints."""
  folder = tmp_path_factory.mktemp('models')
  for name in (PENN, COCO):
    config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
    config.data.skeleton = name
    untrained_run.write_workdir(
      folder / name, config, get_skeleton(name), ('wave', 'sit')
    )
  return folder


def written(folder, skeleton, *, named):
  """Six frames of one person: predictions of MMPose, which may name their joints."""
  joints = get_skeleton(skeleton).joints
  rng = np.random.default_rng(0)
  frames = [
    {
      'frame_id': frame,
      'instances': [
        {
          'keypoints': rng.uniform(5, 40, (len(joints), 2)).tolist(),
          'keypoint_scores': [0.9] * len(joints),
        }
      ],
    }
    for frame in range(6)
  ]
  meta = {'keypoint_id2name': dict(enumerate(joints))}
  content = {'meta_info': meta, 'instance_info': frames} if named else frames
  path = folder / f'{skeleton}.json'
  path.write_text(json.dumps(content))
  return path


def predict(workdir, path, *flags):
  done = call('predict', f'--workdir={workdir}', path, '--frame_size=64x48', *flags)
  return done.returncode, done.stdout.splitlines(), done.stderr


HEAD = 'head is about the middle of left_ear and right_ear'
LACKING = 'left_eye, right_eye, left_ear, right_ear cannot be derived, so they are always missing'


@pytest.mark.parametrize(
  ('model', 'poses', 'note'),
  [
    (PENN, WHOLE, f'note: poses of the skeleton {WHOLE!r} are mapped to {PENN!r}'),
    (PENN, COCO, HEAD),
    (COCO, PENN, LACKING),
    (COCO, WHOLE, 'all joints have the same names'),
  ],
)
def test_named_joints_are_mapped_with_one_note(workdirs, tmp_path, model, poses, note):
  path = written(tmp_path, poses, named=True)
  status, lines, error = predict(workdirs / model, path)
  assert (status, error) == (0, '')
  (mapped,) = [line for line in lines if 'are mapped to' in line]
  assert note in mapped
  assert lines[-1].startswith(poses)


def test_unnamed_joints_are_taken_where_only_one_skeleton_fits(workdirs, tmp_path):
  """The first 17 of 133 joints are COCO's, whatever the rest is."""
  path = written(tmp_path, WHOLE, named=False)
  status, lines, _ = predict(workdirs / COCO, path)
  assert status == 0
  assert any('the first 17 are read as' in line for line in lines)


@pytest.mark.parametrize(
  ('model', 'poses', 'fitting'),
  [(PENN, WHOLE, WHOLE), (PENN, COCO, f'{COCO}, posetrack_18'), (COCO, PENN, PENN)],
)
def test_unnamed_joints_of_another_number_are_refused_in_one_line(
  workdirs, tmp_path, model, poses, fitting
):
  """The same poses are mapped when --skeleton says what they are."""
  path = written(tmp_path, poses, named=False)
  counts = [get_skeleton(name).num_joints for name in (poses, model)]
  status, lines, error = predict(workdirs / model, path)
  assert (status, error) == (1, 'error: 1 clip could not be used; see above\n')
  (refused,) = [line for line in lines if 'cannot be used' in line]
  assert f'has {counts[0]} joints, but skeleton {model!r} has {counts[1]}' in refused
  assert f'; skeletons with {counts[0]}: {fitting}' in refused
  status, lines, _ = predict(workdirs / model, path, f'--skeleton={poses}')
  assert status == 0
  assert any('are mapped to' in line for line in lines)


def test_arrays_of_another_number_of_joints(workdirs, tmp_path):
  np.save(tmp_path / 'a.npy', np.ones((6, 133, 3)))
  status, lines, _ = predict(workdirs / PENN, tmp_path / 'a.npy')
  assert status == 1
  (refused,) = [line for line in lines if 'cannot be used' in line]
  assert f'the 13 joints of skeleton {PENN!r}' in refused
  assert refused.endswith(f'; skeletons with 133: {WHOLE}')
