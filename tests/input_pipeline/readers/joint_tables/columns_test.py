"""What columns hold, by their names."""

import pytest

from input_pipeline.readers.joint_tables.columns import read_columns, without_prefix


@pytest.mark.parametrize(
  ('names', 'point'),
  [
    (('left_wrist_x', 'left_wrist_y', 'left_wrist_score'), 'left_wrist'),
    (('x_left_wrist', 'y_left_wrist', 'conf_left_wrist'), 'left_wrist'),
    (('Left-Wrist.x', 'Left-Wrist.y', 'Left-Wrist.likelihood'), 'left_wrist'),
    (('leftWristX', 'leftWristY', 'leftWristVisibility'), 'left_wrist'),
    (('LEFT WRIST X (px)', 'LEFT WRIST Y (px)', 'LEFT WRIST C'), 'left_wrist'),
    (('x0', 'y0', 'v0'), '0'),
    (('0x', '0y', '0c'), '0'),
    (('0_x', '0_y', '0_visibility'), '0'),
    (('L12_x', 'L12_y', 'L12_visibility'), 'l_12'),
    (('landmark[3].x', 'landmark[3].y', 'landmark[3].presence'), 'landmark_3'),
    (('kp_7_pos_x', 'kp_7_pos_y', 'kp_7_prob'), 'kp_7'),
  ],
)
def test_dresses_of_a_point(names, point):
  columns = read_columns(['frame', *names])
  assert columns.points == {point: {'x': 1, 'y': 2, 'score': 3}}
  assert columns.roles == {'frame': 0}


def test_the_likelier_score_counts_and_depths_are_silent():
  names = ['nose_x', 'nose_y', 'nose_z', 'nose_presence', 'nose_visibility']
  columns = read_columns(names)
  assert columns.points['nose'] == {'x': 0, 'y': 1, 'score': 4}
  assert columns.silent == {2}
  assert not read_columns(['nose_x', 'nose_score']).points


@pytest.mark.parametrize(
  ('name', 'role'),
  [
    *((n, 'frame') for n in ('Frame', 'frame_number', 'FrameID', 'frame no.')),
    *((n, 'image') for n in ('image_name', 'Image', 'file_name')),
    *((n, 'time') for n in ('timestamp_ms', 'Time')),
    *((n, 'person') for n in ('track_id', 'Person', 'personID', 'id')),
    *((n, 'label') for n in ('class', 'Exercise', 'action_label', 'activity')),
    *((n, 'joint') for n in ('LandmarkID', 'joint name', 'keypoint', 'bodypart')),
  ],
)
def test_roles(name, role):
  assert read_columns(['a', name]).roles == {role: 1}


def test_videos_indexes_and_rows_of_joints():
  columns = read_columns(['', 'video_name', 'subject', 'joint', 'x', 'y'])
  assert (columns.videos, columns.silent) == ((1, 2), {0})
  assert columns.is_long
  assert not read_columns(['joint', 'x0', 'y0']).is_long


def test_families_of_numbers():
  names = [f'{p}{i}_{a}' for p in ('', 'hand_') for i in (1, 0) for a in 'xy']
  families = read_columns(names).number_families()
  assert families == {'': {0: '0', 1: '1'}, 'hand': {0: 'hand_0', 1: 'hand_1'}}


@pytest.mark.parametrize(
  ('name', 'short'),
  [
    ('pose_landmark_nose', 'nose'),
    ('kp_left_hip', 'left_hip'),
    ('l_hip', 'l_hip'),
    ('nose', 'nose'),
  ],
)
def test_prefixes(name, short):
  assert without_prefix(name) == short
