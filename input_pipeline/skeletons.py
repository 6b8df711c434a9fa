"""The skeleton registry: the joint layouts that the library knows, by name."""

from __future__ import annotations

import difflib

from input_pipeline.skeleton import Skeleton, SkeletonError

__all__ = ['SKELETONS', 'Skeleton', 'SkeletonError', 'get_skeleton']


def get_skeleton(name: str) -> Skeleton:
  """The registered skeleton of that name.

  Raises:
    SkeletonError: naming the nearest registered one.
  """
  if name not in SKELETONS:
    nearest = difflib.get_close_matches(name, SKELETONS, n=1, cutoff=0.4)
    hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
    raise SkeletonError(
      f'there is no skeleton {name!r}{hint} Registered: {", ".join(sorted(SKELETONS))}.'
      ' A new one is added in input_pipeline/skeletons.py.'
    )
  return SKELETONS[name]


def _both_sides(*limbs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
  """Each limb on the right, then on the left; joints of the middle stay as named."""

  def sided(joint: str, side: str) -> str:
    middle = ('neck', 'belly', 'face', 'head', 'nose', 'mid_hip')
    return joint if joint in middle else f'{side}_{joint}'

  return tuple(
    (sided(a, side), sided(b, side)) for side in ('right', 'left') for a, b in limbs
  )


_COCO_17_JOINTS = (
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
  *_both_sides(
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

# The 19 limbs whose part affinity fields OpenPose's COCO model gives (x and y of each:
# PA3D's 38): in the order of its channels, each in the direction of its vectors.
_OPENPOSE_18_LIMBS = tuple(
  (_OPENPOSE_18_JOINTS[a], _OPENPOSE_18_JOINTS[b])
  for a, b in (
    *((1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13)),
    *((1, 2), (2, 3), (3, 4), (2, 16), (1, 5), (5, 6), (6, 7), (5, 17)),
    *((1, 0), (0, 14), (0, 15), (14, 16), (15, 17)),
  )
)

SKELETONS: dict[str, Skeleton] = {
  skeleton.name: skeleton
  for skeleton in (
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
        *_both_sides(
          ('neck', 'shoulder'),
          ('shoulder', 'elbow'),
          ('elbow', 'wrist'),
          ('belly', 'hip'),
          ('hip', 'knee'),
          ('knee', 'ankle'),
        ),
      ),
    ),
    # Penn Action (Zhang et al., ICCV 2013). Usually listed left first, but the first of
    # each pair is image-left of the second in 96 % of the frames of frontal clips, so
    # it is the person's right; the names here say what the files hold.
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
        *_both_sides(
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
      joints=_COCO_17_JOINTS,
      limbs=(
        ('right_shoulder', 'left_shoulder'),
        ('right_hip', 'left_hip'),
        *_both_sides(
          ('nose', 'eye'),
          ('eye', 'ear'),
          ('ear', 'shoulder'),
          ('shoulder', 'elbow'),
          ('elbow', 'wrist'),
          ('shoulder', 'hip'),
          ('hip', 'knee'),
          ('knee', 'ankle'),
        ),
      ),
    ),
    # OpenPose's COCO model (Cao et al., CVPR 2017); with the background it has the 19
    # joint maps of PA3D Sec. 4.
    Skeleton('openpose_18', _OPENPOSE_18_JOINTS, _OPENPOSE_18_LIMBS),
    Skeleton(
      'openpose_18_background', _OPENPOSE_18_JOINTS, _OPENPOSE_18_LIMBS, background=True
    ),
    # The order of JMRN's official code, whose background (17) our readers put last.
    Skeleton('jmrn_official', (*_COCO_17_JOINTS, 'neck'), _OPENPOSE_LIMBS),
    Skeleton(
      'jmrn_official_background',
      (*_COCO_17_JOINTS, 'neck'),
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
        *_both_sides(
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
  )
}
