"""Joint layouts of pose estimators."""

from __future__ import annotations

from input_pipeline.skeletons.annotated import ARM_AND_LEG_LIMBS, COCO_17_JOINTS
from input_pipeline.skeletons.skeleton import Skeleton, both_sides

_OPENPOSE_18_JOINTS = (
  'nose',
  'neck',
  'right_shoulder',
  'right_elbow',
  'right_wrist',
  'left_shoulder',
  'left_elbow',
  'left_wrist',
  'right_hip',
  'right_knee',
  'right_ankle',
  'left_hip',
  'left_knee',
  'left_ankle',
  'right_eye',
  'left_eye',
  'right_ear',
  'left_ear',
)

_OPENPOSE_LIMBS = (
  ('neck', 'nose'),
  *both_sides(
    ('neck', 'shoulder'),
    ('shoulder', 'elbow'),
    ('elbow', 'wrist'),
    ('neck', 'hip'),
    ('hip', 'knee'),
    ('knee', 'ankle'),
    ('nose', 'eye'),
    ('eye', 'ear'),
  ),
)

# The 19 limbs for which OpenPose's COCO model outputs part affinity fields (x and y per
# limb: PA3D's 38 channels), in channel order, each in the direction of its vectors.
_OPENPOSE_18_LIMBS = tuple(
  (_OPENPOSE_18_JOINTS[a], _OPENPOSE_18_JOINTS[b])
  for a, b in (
    *((1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13)),
    *((1, 2), (2, 3), (3, 4), (2, 16), (1, 5), (5, 6), (6, 7), (5, 17)),
    *((1, 0), (0, 14), (0, 15), (14, 16), (15, 17)),
  )
)

FACE_LIMBS = (('nose', 'eye'), ('eye', 'ear'))
FOOT_LIMBS = (('ankle', 'big_toe'), ('big_toe', 'small_toe'), ('ankle', 'heel'))

HALPE_26_JOINTS = (
  *COCO_17_JOINTS,
  'head_top',
  'neck',
  'mid_hip',
  'left_big_toe',
  'right_big_toe',
  'left_small_toe',
  'right_small_toe',
  'left_heel',
  'right_heel',
)
HALPE_26_LIMBS = (
  ('neck', 'head_top'),
  ('nose', 'neck'),
  ('neck', 'mid_hip'),
  *both_sides(
    *FACE_LIMBS,
    ('neck', 'shoulder'),
    ('mid_hip', 'hip'),
    *ARM_AND_LEG_LIMBS,
    *FOOT_LIMBS,
  ),
)

ESTIMATED_SKELETONS = (
  # OpenPose's COCO model (Cao et al., CVPR 2017). With the background it has 19 joint
  # maps, same as in PA3D Sec. 4.
  Skeleton('openpose_18', _OPENPOSE_18_JOINTS, _OPENPOSE_18_LIMBS),
  Skeleton(
    'openpose_18_background', _OPENPOSE_18_JOINTS, _OPENPOSE_18_LIMBS, background=True
  ),
  # JMRN's official code. Its background has index 17; our readers move it to the end.
  Skeleton('jmrn_official', (*COCO_17_JOINTS, 'neck'), _OPENPOSE_LIMBS),
  Skeleton(
    'jmrn_official_background',
    (*COCO_17_JOINTS, 'neck'),
    _OPENPOSE_LIMBS,
    background=True,
  ),
  # OpenPose's BODY_25 model (not BODY_25B, whose order differs).
  Skeleton(
    name='body_25',
    joints=(
      'nose',
      'neck',
      'right_shoulder',
      'right_elbow',
      'right_wrist',
      'left_shoulder',
      'left_elbow',
      'left_wrist',
      'mid_hip',
      'right_hip',
      'right_knee',
      'right_ankle',
      'left_hip',
      'left_knee',
      'left_ankle',
      'right_eye',
      'left_eye',
      'right_ear',
      'left_ear',
      'left_big_toe',
      'left_small_toe',
      'left_heel',
      'right_big_toe',
      'right_small_toe',
      'right_heel',
    ),
    limbs=(
      ('neck', 'nose'),
      ('neck', 'mid_hip'),
      *both_sides(
        ('neck', 'shoulder'),
        ('shoulder', 'elbow'),
        ('elbow', 'wrist'),
        ('mid_hip', 'hip'),
        ('hip', 'knee'),
        ('knee', 'ankle'),
        ('nose', 'eye'),
        ('eye', 'ear'),
        ('ankle', 'big_toe'),
        ('big_toe', 'small_toe'),
        ('ankle', 'heel'),
      ),
    ),
  ),
  # OpenPose's BODY_25B model: `POSE_BODY_25B_BODY_PARTS` in its poseParameters.cpp. The
  # first 17 joints are COCO's. Its output files cannot be told apart from BODY_25's. The
  # limbs are ours.
  Skeleton(
    name='body_25b',
    joints=(
      *COCO_17_JOINTS,
      'upper_neck',
      'head_top',
      'left_big_toe',
      'left_small_toe',
      'left_heel',
      'right_big_toe',
      'right_small_toe',
      'right_heel',
    ),
    limbs=(
      ('upper_neck', 'head_top'),
      ('nose', 'upper_neck'),
      ('right_hip', 'left_hip'),
      *both_sides(
        *FACE_LIMBS,
        ('upper_neck', 'shoulder'),
        ('shoulder', 'hip'),
        *ARM_AND_LEG_LIMBS,
        *FOOT_LIMBS,
      ),
    ),
  ),
  # OpenPose's MPI model: `POSE_MPI_BODY_PARTS` in its poseParameters.cpp. Its head joint
  # is the top of the head; its chest joint is halfway down to the hips.
  Skeleton(
    name='openpose_mpi',
    joints=(
      'head_top',
      'neck',
      'right_shoulder',
      'right_elbow',
      'right_wrist',
      'left_shoulder',
      'left_elbow',
      'left_wrist',
      'right_hip',
      'right_knee',
      'right_ankle',
      'left_hip',
      'left_knee',
      'left_ankle',
      'chest',
    ),
    limbs=(
      ('neck', 'head_top'),
      ('neck', 'chest'),
      *both_sides(('neck', 'shoulder'), *ARM_AND_LEG_LIMBS, ('chest', 'hip')),
    ),
  ),
  # AlphaPose's 26 joints: the body joints of Halpe-FullBody, in README order. Its head
  # joint is the top of the head (MMPose equates it with MPII's); its hip joint is the
  # midpoint of both hips.
  Skeleton(
    name='halpe_26',
    joints=HALPE_26_JOINTS,
    limbs=HALPE_26_LIMBS,
  ),
  # MediaPipe's pose landmarks (Bazarevsky et al., BlazePose, 2020), in the order of
  # `PoseLandmark`. The limbs are MediaPipe's connections, plus ours from nose to mouth and
  # from ears to shoulders.
  Skeleton(
    name='mediapipe_33',
    joints=(
      'nose',
      'left_eye_inner',
      'left_eye',
      'left_eye_outer',
      'right_eye_inner',
      'right_eye',
      'right_eye_outer',
      'left_ear',
      'right_ear',
      'left_mouth',
      'right_mouth',
      *COCO_17_JOINTS[5:11],
      'left_pinky',
      'right_pinky',
      'left_index',
      'right_index',
      'left_thumb',
      'right_thumb',
      *COCO_17_JOINTS[11:],
      'left_heel',
      'right_heel',
      'left_foot_index',
      'right_foot_index',
    ),
    limbs=(
      ('right_mouth', 'left_mouth'),
      ('right_shoulder', 'left_shoulder'),
      ('right_hip', 'left_hip'),
      *both_sides(
        ('nose', 'eye_inner'),
        ('eye_inner', 'eye'),
        ('eye', 'eye_outer'),
        ('eye_outer', 'ear'),
        ('nose', 'mouth'),
        ('ear', 'shoulder'),
        ('shoulder', 'hip'),
        *ARM_AND_LEG_LIMBS,
        ('wrist', 'pinky'),
        ('wrist', 'index'),
        ('pinky', 'index'),
        ('wrist', 'thumb'),
        ('ankle', 'heel'),
        ('heel', 'foot_index'),
        ('ankle', 'foot_index'),
      ),
    ),
  ),
)
