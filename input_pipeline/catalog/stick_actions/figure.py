"""A stick figure: joint angles to 3-D joints (kinematic chain) to pixels (camera).

The figure has JHMDB's 15 joints. Lengths are in statures (1 = the average figure's
standing height). The figure's axes are x forward, y to its left, z up; the ground is
z = 0. The model is our own; limb proportions follow Drillis & Contini (1966).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from input_pipeline.skeletons.registry import get_skeleton

SKELETON = get_skeleton('jhmdb')
SIDES = ('left', 'right')

# A posture is a vector of these parameters, in degrees; only `lift`, the lowest foot's
# height above the ground, is in statures. All zeros: standing with arms hanging down.
_MIDDLE = ('lift', 'lean', 'side_bend', 'twist', 'nod')
_SIDED = (
  'shoulder_flexion',  # upper arm forward and up
  'shoulder_abduction',  # upper arm outward
  'shoulder_inward',  # turns the forearm towards the body's middle; negative: outward
  'elbow',  # 0 is straight; hinges never bend backward
  'hip_flexion',  # thigh forward and up
  'hip_abduction',
  'knee',
)
PARAMETERS = (*_MIDDLE, *(f'{side}_{name}' for side in SIDES for name in _SIDED))
LIFT = PARAMETERS.index('lift')
HINGES = tuple(i for i, p in enumerate(PARAMETERS) if p.endswith(('elbow', 'knee')))

_LEFT_IS_POSITIVE = np.array([1.0, -1.0])  # the sign of y for each of SIDES
_ANKLE_HEIGHT = 0.039
# A foot this much (in statures) above the other carries e times less weight.
_CONTACT_HEIGHT = 0.02


@dataclasses.dataclass(frozen=True)
class Body:
  """Segment lengths in statures; by default, an average adult's."""

  spine: float = 0.288  # hip line to neck
  head: float = 0.115  # neck to the middle of the face
  shoulder_width: float = 0.129  # middle to shoulder
  hip_width: float = 0.065  # middle to hip
  upper_arm: float = 0.186
  forearm: float = 0.155
  thigh: float = 0.245
  shin: float = 0.246

  def scaled(self, factors: Float[np.ndarray, ' lengths']) -> Body:
    """Multiplies each length by its own factor, in the order of the fields."""
    lengths = np.array(dataclasses.astuple(self)) * factors
    return Body(*lengths.tolist())


@dataclasses.dataclass(frozen=True)
class Camera:
  """A pinhole camera that looks at a point in the scene, level or from above.

  The scene's axes are X to the image's right, Y away from the camera, Z up.

  Attributes:
    frame_size: (height, width) in pixels.
    target: the point in the scene at the frame's centre, in statures.
    distance: distance from the camera to the target, in statures.
    figure_height: size of one stature at the target, as a fraction of the frame's
      height; determines the focal length.
    pitch: angle by which the camera looks down, in degrees.
  """

  frame_size: tuple[int, int]
  target: tuple[float, float, float]
  distance: float
  figure_height: float
  pitch: float = 0.0

  def project(self, points: Float[np.ndarray, '*b 3']) -> Float[np.ndarray, '*b 2']:
    """Projects points in the scene to pixels (x, y), y down."""
    sin, cos = _sin_cos(self.pitch)
    right, ahead, down = np.eye(3)[0], (0.0, cos, -sin), (0.0, -sin, -cos)
    from_target = points - np.array(self.target)
    focal = self.figure_height * self.frame_size[0] * self.distance
    depth = self.distance + from_target @ np.array(ahead)
    offsets = from_target @ np.stack([right, down], axis=-1)
    centre = (np.array(self.frame_size)[::-1] - 1) / 2
    return centre + focal * offsets / depth[..., None]


def posture(values: Mapping[str, float]) -> Float[np.ndarray, ' a']:
  """Makes a vector over `PARAMETERS`; a name without its side sets both sides.

  Raises:
    ValueError: on an unknown name.
  """
  vector = np.zeros(len(PARAMETERS))
  for name, value in values.items():
    targets = (name,) if name in PARAMETERS else tuple(f'{s}_{name}' for s in SIDES)
    if not set(targets) <= set(PARAMETERS):
      raise ValueError(
        f'a posture sets {name!r}, but the parameters are {", ".join(_MIDDLE)}, and'
        f' for one side (left_, right_) or both (no prefix) {", ".join(_SIDED)}'
      )
    for target in targets:
      vector[PARAMETERS.index(target)] = value
  return vector


def mirror(postures: Float[np.ndarray, '*b a']) -> Float[np.ndarray, '*b a']:
  """Swaps left and right: the same motion with the other hand and foot."""
  middle, left, right = np.split(
    postures, [len(_MIDDLE), len(_MIDDLE) + len(_SIDED)], axis=-1
  )
  signs = [-1.0 if name in ('side_bend', 'twist') else 1.0 for name in _MIDDLE]
  return np.concatenate([middle * np.array(signs), right, left], axis=-1)


def joint_positions(
  postures: Float[np.ndarray, 't a'], body: Body
) -> Float[np.ndarray, 't j 3']:
  """The 3-D joints during a motion, which moves as its feet push it over the ground.

  The lower foot is on the ground (or `lift` above it), and the foot that carries the
  weight does not slide, so that a walk moves forward and sitting down moves the hips
  back. At first, the middle of the hips is above the origin.
  """
  joints = _joints_about_hips(postures, body)
  feet = np.stack([joints[f'{side}_ankle'] for side in SIDES], axis=1)  # [t, side, 3]
  stacked = np.stack([joints[name] for name in SKELETON.joints], axis=1)
  return stacked + _root_of_feet(feet, postures[:, LIFT])[:, None]


def turn(points: Float[np.ndarray, '*b 3'], yaw: float) -> Float[np.ndarray, '*b 3']:
  """Turns a figure counter-clockwise, seen from above, by yaw in degrees.

  At yaw 0 the figure faces the image's right.
  """
  return points @ _rotation('z', np.array(yaw)).T


def _joints_about_hips(
  postures: Float[np.ndarray, 't a'], body: Body
) -> dict[str, Float[np.ndarray, 't 3']]:
  """Joint positions by name, relative to the middle of the hips."""
  middle = dict(zip(_MIDDLE, postures.T, strict=False))
  sided = postures[:, len(_MIDDLE) :].reshape(-1, len(SIDES), len(_SIDED))
  angle = dict(zip(_SIDED, np.moveaxis(sided, -1, 0), strict=True))  # [t, side] each
  y = _LEFT_IS_POSITIVE

  torso = (
    _rotation('y', middle['lean'])
    @ _rotation('x', -middle['side_bend'])
    @ _rotation('z', middle['twist'])
  )
  skull = torso @ _rotation('y', middle['nod'])
  upper_arm = (
    torso[:, None]
    @ _rotation('y', -angle['shoulder_flexion'])
    @ _rotation('x', y * angle['shoulder_abduction'])
    @ _rotation('z', -y * angle['shoulder_inward'])
  )
  forearm = upper_arm @ _rotation('y', -angle['elbow'])
  thigh = _rotation('y', -angle['hip_flexion']) @ _rotation(
    'x', y * angle['hip_abduction']
  )
  shin = thigh @ _rotation('y', angle['knee'])

  up = torso[..., 2]
  neck = body.spine * up
  outward = y[:, None] * torso[:, None, :, 1]  # [t, side, 3]
  shoulder = neck[:, None] + body.shoulder_width * outward
  elbow = shoulder - body.upper_arm * upper_arm[..., 2]
  hip = np.broadcast_to(body.hip_width * y[:, None] * np.eye(3)[1], shoulder.shape)
  knee = hip - body.thigh * thigh[..., 2]
  chain = {
    'shoulder': shoulder,
    'elbow': elbow,
    'wrist': elbow - body.forearm * forearm[..., 2],
    'hip': hip,
    'knee': knee,
    'ankle': knee - body.shin * shin[..., 2],
  }
  face = neck + body.head * (0.95 * skull[..., 2] + 0.3 * skull[..., 0])
  joints = {'neck': neck, 'belly': 0.3 * neck, 'face': face}
  for name, both in chain.items():
    joints.update({f'{side}_{name}': both[:, i] for i, side in enumerate(SIDES)})
  return joints


def _root_of_feet(
  feet: Float[np.ndarray, 't side 3'], lift: Float[np.ndarray, ' t']
) -> Float[np.ndarray, 't 3']:
  """The hips' position, from the feet's positions relative to the hips."""
  height = feet[..., 2] - feet[..., 2].min(axis=1, keepdims=True)
  weight = np.exp(-height / _CONTACT_HEIGHT)
  weight /= weight.sum(axis=1, keepdims=True)
  between = (weight[1:] + weight[:-1]) / 2
  steps = -np.einsum('ts,tsd->td', between, np.diff(feet, axis=0))
  root = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
  root[:, 2] = _ANKLE_HEIGHT + lift - feet[..., 2].min(axis=1)
  return root


def _rotation(
  axis: str, degrees: Float[np.ndarray, '*b']
) -> Float[np.ndarray, '*b 3 3']:
  """Right-handed rotations about x, y or z."""
  sin, cos = _sin_cos(degrees)
  first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
  matrix = np.zeros((*np.shape(degrees), 3, 3)) + np.eye(3)
  matrix[..., first, first] = matrix[..., second, second] = cos
  matrix[..., second, first] = sin
  matrix[..., first, second] = -sin
  return matrix


def _sin_cos(degrees):
  radians = np.deg2rad(degrees)
  return np.sin(radians), np.cos(radians)
