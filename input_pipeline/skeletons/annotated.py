"""Joint layouts of data sets annotated by hand or with a depth camera."""

from __future__ import annotations

from input_pipeline.skeletons.skeleton import Skeleton, both_sides

COCO_17_JOINTS = (
  'nose',
  'left_eye',
  'right_eye',
  'left_ear',
  'right_ear',
  'left_shoulder',
  'right_shoulder',
  'left_elbow',
  'right_elbow',
  'left_wrist',
  'right_wrist',
  'left_hip',
  'right_hip',
  'left_knee',
  'right_knee',
  'left_ankle',
  'right_ankle',
)

ARM_AND_LEG_LIMBS = (
  ('shoulder', 'elbow'),
  ('elbow', 'wrist'),
  ('hip', 'knee'),
  ('knee', 'ankle'),
)
COCO_17_LIMBS = (
  ('right_shoulder', 'left_shoulder'),
  ('right_hip', 'left_hip'),
  *both_sides(
    ('nose', 'eye'),
    ('eye', 'ear'),
    ('ear', 'shoulder'),
    ('shoulder', 'elbow'),
    ('elbow', 'wrist'),
    ('shoulder', 'hip'),
    ('hip', 'knee'),
    ('knee', 'ankle'),
  ),
)
# CrowdPose and AI Challenger have the same joints, in different orders.
_HEAD_NECK_AND_LIMBS = (
  ('neck', 'head_top'),
  ('right_hip', 'left_hip'),
  *both_sides(('neck', 'shoulder'), ('shoulder', 'hip'), *ARM_AND_LEG_LIMBS),
)

ANNOTATED_SKELETONS = (
  # JHMDB's puppet annotation (Jhuang et al., ICCV 2013).
  Skeleton(
    name='jhmdb',
    joints=(
      'neck',
      'belly',
      'face',
      'right_shoulder',
      'left_shoulder',
      'right_hip',
      'left_hip',
      'right_elbow',
      'left_elbow',
      'right_knee',
      'left_knee',
      'right_wrist',
      'left_wrist',
      'right_ankle',
      'left_ankle',
    ),
    limbs=(
      ('neck', 'face'),
      ('neck', 'belly'),
      *both_sides(
        ('neck', 'shoulder'),
        ('shoulder', 'elbow'),
        ('elbow', 'wrist'),
        ('belly', 'hip'),
        ('hip', 'knee'),
        ('knee', 'ankle'),
      ),
    ),
  ),
  # Penn Action (Zhang et al., ICCV 2013). Usually documented left first. However, in 96 %
  # of the frames in frontal clips, the first joint of each pair is image-left of the
  # second, so it is on the person's right. The names here match the files.
  Skeleton(
    name='penn_action',
    joints=(
      'head',
      'right_shoulder',
      'left_shoulder',
      'right_elbow',
      'left_elbow',
      'right_wrist',
      'left_wrist',
      'right_hip',
      'left_hip',
      'right_knee',
      'left_knee',
      'right_ankle',
      'left_ankle',
    ),
    limbs=(
      ('right_shoulder', 'left_shoulder'),
      ('right_hip', 'left_hip'),
      *both_sides(
        ('head', 'shoulder'),
        ('shoulder', 'elbow'),
        ('elbow', 'wrist'),
        ('shoulder', 'hip'),
        ('hip', 'knee'),
        ('knee', 'ankle'),
      ),
    ),
  ),
  # COCO keypoints (Lin et al., ECCV 2014): HRNet, AlphaPose, MMPose.
  Skeleton(
    name='coco_17',
    joints=COCO_17_JOINTS,
    limbs=COCO_17_LIMBS,
  ),
  # PoseTrack's releases of 2018 and later (Andriluka et al., CVPR 2018) in COCO's form,
  # `categories` of their files; PoseTrack 2017 has other files. COCO's eyes are replaced by
  # head_bottom, where the head meets the neck, and head_top. The ears were never
  # annotated. The limbs are MMPose's, plus ours from nose to ears.
  Skeleton(
    name='posetrack_18',
    joints=(
      'nose',
      'head_bottom',
      'head_top',
      *COCO_17_JOINTS[3:],
    ),
    limbs=(
      ('nose', 'head_top'),
      ('nose', 'head_bottom'),
      ('right_shoulder', 'left_shoulder'),
      ('right_hip', 'left_hip'),
      *both_sides(
        ('nose', 'ear'),
        ('head_bottom', 'shoulder'),
        ('shoulder', 'hip'),
        *ARM_AND_LEG_LIMBS,
      ),
    ),
  ),
  # CrowdPose (Li et al., CVPR 2019): COCO's joints below the head, then `head_top`, which
  # its files call `head` or `top_head`, and the neck.
  Skeleton(
    name='crowdpose_14',
    joints=(*COCO_17_JOINTS[5:], 'head_top', 'neck'),
    limbs=_HEAD_NECK_AND_LIMBS,
  ),
  # AI Challenger's human keypoints (Wu et al., 2017): right side first, limb by limb.
  Skeleton(
    name='aic_14',
    joints=(
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
      'head_top',
      'neck',
    ),
    limbs=_HEAD_NECK_AND_LIMBS,
  ),
  # MPII Human Pose (Andriluka et al., CVPR 2014), joint ids 0 to 15 in its README.
  Skeleton(
    name='mpii_16',
    joints=(
      'right_ankle',
      'right_knee',
      'right_hip',
      'left_hip',
      'left_knee',
      'left_ankle',
      'pelvis',
      'thorax',
      'upper_neck',
      'head_top',
      'right_wrist',
      'right_elbow',
      'right_shoulder',
      'left_shoulder',
      'left_elbow',
      'left_wrist',
    ),
    limbs=(
      ('pelvis', 'thorax'),
      ('thorax', 'upper_neck'),
      ('upper_neck', 'head_top'),
      *both_sides(
        ('thorax', 'shoulder'),
        ('shoulder', 'elbow'),
        ('elbow', 'wrist'),
        ('pelvis', 'hip'),
        ('hip', 'knee'),
        ('knee', 'ankle'),
      ),
    ),
  ),
  # The 17 moving joints of Human3.6M (Ionescu et al., TPAMI 2014), in the order used by
  # 3d-pose-baseline (Martinez et al., ICCV 2017; `H36M_NAMES` in its data_utils.py) and
  # VideoPose3D (CVPR 2019): right leg before left, but left arm before right. Old
  # versions of MMPose swap the sides. `neck_nose` is between neck and nose; the head
  # joint is the top of the head.
  Skeleton(
    name='human36m_17',
    joints=(
      'pelvis',
      'right_hip',
      'right_knee',
      'right_ankle',
      'left_hip',
      'left_knee',
      'left_ankle',
      'spine',
      'thorax',
      'neck_nose',
      'head_top',
      'left_shoulder',
      'left_elbow',
      'left_wrist',
      'right_shoulder',
      'right_elbow',
      'right_wrist',
    ),
    limbs=(
      ('pelvis', 'spine'),
      ('spine', 'thorax'),
      ('thorax', 'neck_nose'),
      ('neck_nose', 'head_top'),
      *both_sides(
        ('thorax', 'shoulder'),
        ('shoulder', 'elbow'),
        ('elbow', 'wrist'),
        ('pelvis', 'hip'),
        ('hip', 'knee'),
        ('knee', 'ankle'),
      ),
    ),
  ),
  # NTU RGB+D (Shahroudy et al., CVPR 2016, Fig. 1): the joints of Kinect v2, whose left
  # is the person's own left.
  Skeleton(
    name='ntu_25',
    joints=(
      'spine_base',
      'spine_mid',
      'neck',
      'head',
      'left_shoulder',
      'left_elbow',
      'left_wrist',
      'left_hand',
      'right_shoulder',
      'right_elbow',
      'right_wrist',
      'right_hand',
      'left_hip',
      'left_knee',
      'left_ankle',
      'left_foot',
      'right_hip',
      'right_knee',
      'right_ankle',
      'right_foot',
      'spine_shoulder',
      'left_hand_tip',
      'left_thumb',
      'right_hand_tip',
      'right_thumb',
    ),
    limbs=(
      ('spine_base', 'spine_mid'),
      ('spine_mid', 'spine_shoulder'),
      ('spine_shoulder', 'neck'),
      ('neck', 'head'),
      *both_sides(
        ('spine_shoulder', 'shoulder'),
        ('shoulder', 'elbow'),
        ('elbow', 'wrist'),
        ('wrist', 'hand'),
        ('hand', 'hand_tip'),
        ('wrist', 'thumb'),
        ('spine_base', 'hip'),
        ('hip', 'knee'),
        ('knee', 'ankle'),
        ('ankle', 'foot'),
      ),
    ),
  ),
)
