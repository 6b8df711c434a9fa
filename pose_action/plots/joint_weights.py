"""Draws joint weights (JMRN Fig. 2), as a coloured table and on standing figures."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from pose_action.plots import drawing

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.cm import ScalarMappable

_WEIGHT_COLOURS = 'YlOrRd'
_LEAST_SPREAD = 0.01  # The colour scale spans at least this much.
_UNIT_INCHES = 0.3  # One unit of a standing figure's coordinates.
_PANEL_WIDTH, _PANEL_HEIGHT = 4.8, 10.4  # A figure with its labels, in units.
_TITLE_HEIGHT = 1.2  # The part of the panel above the head.
_OTHERS_HEIGHT = 1.2  # Added if some joints have no place on the figure.
_FIGURES_A_ROW = 8

# The place of each joint on a standing figure, (x, y) in units, y down. For a pair only
# the person's left is given; the figure faces the viewer, so it is on the image's right.
_STANDING = {
  'head_top': (0.0, -0.1),
  'head': (0.0, 0.4),
  'face': (0.0, 0.4),
  'nose': (0.0, 0.75),
  'neck_nose': (0.0, 0.95),
  'left_mouth': (0.3, 1.15),
  'left_eye_inner': (0.2, 0.0),
  'left_eye': (0.45, 0.3),
  'left_eye_outer': (0.8, 0.1),
  'left_ear': (0.95, 0.6),
  'upper_neck': (0.0, 1.4),
  'head_bottom': (0.0, 1.4),
  'neck': (0.0, 1.8),
  'spine_shoulder': (0.0, 2.2),
  'thorax': (0.0, 2.2),
  'left_shoulder': (1.05, 2.0),
  'left_elbow': (1.5, 3.3),
  'left_wrist': (1.8, 4.55),
  'left_thumb': (1.4, 4.85),
  'left_hand': (1.9, 4.95),
  'left_index': (1.9, 5.1),
  'left_hand_tip': (2.0, 5.35),
  'left_pinky': (2.25, 4.85),
  'chest': (0.0, 2.7),
  'belly': (0.0, 3.2),
  'spine': (0.0, 3.2),
  'spine_mid': (0.0, 3.2),
  'mid_hip': (0.0, 4.3),
  'pelvis': (0.0, 4.3),
  'spine_base': (0.0, 4.3),
  'left_hip': (0.65, 4.45),
  'left_knee': (0.75, 6.15),
  'left_ankle': (0.8, 7.75),
  'left_heel': (0.6, 8.4),
  'left_foot': (1.15, 8.45),
  'left_foot_index': (1.15, 8.45),
  'left_big_toe': (1.15, 8.45),
  'left_small_toe': (1.6, 8.2),
}
_OTHERS_ROW = 9.1  # The row for joints that are not in the table.
_ROOM = 0.35  # Joints nearer to each other than this have smaller discs.


def joint_weights_image(
  weights: Float[np.ndarray, 'k j'],
  class_names: Sequence[str],
  joint_names: Sequence[str],
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws the mean weight per joint (row) and class (column), same as in JMRN Fig. 2.

  The colour scale spans the given weights; a class without weights (NaN) is grey.

  Raises:
    ValueError: if weights and names do not fit.
  """
  weights = _checked_weights(weights, class_names, 'classes', joint_names)
  classes, joints = weights.shape
  wide = min(0.3, drawing.WIDEST_INCHES / classes)
  width = max(1.0, wide * classes)
  figure, axes = drawing.figure(width, 0.3 * joints)
  low, high = _weight_limits(weights)
  picture = axes.imshow(
    weights.T, cmap=drawing.colours(_WEIGHT_COLOURS), vmin=low, vmax=high, aspect='auto'
  )
  named = range(0, classes, math.ceil(0.1 / wide))  # A name takes 0.1 inches.
  size = 7 if wide < 0.15 else 9
  names = [class_names[i] for i in named]
  axes.set_xticks(named, names, rotation=90, fontsize=size)
  axes.set_yticks(range(joints), list(joint_names), fontsize=9)
  drawing.add_scale(figure, picture, "joint weight, mean of the class's clips")
  return drawing.rgb(figure)


def skeleton_weights_image(
  weights: Float[np.ndarray, 'n j'],
  titles: Sequence[str],
  joint_names: Sequence[str],
  limbs: Sequence[tuple[str, str]],
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws standing figures, with a disc per joint whose size and colour are its weight.

  There are 8 figures per row, on a common scale. They face the viewer, which the picture
  says. A joint without a place on the figure is drawn below it, with its name.

  Args:
    limbs: pairs of joint names, drawn as lines.

  Raises:
    ValueError: if shapes do not fit, or a limb names an unknown joint.
  """
  weights = _checked_weights(weights, titles, 'titles', joint_names)
  unknown = {joint for limb in limbs for joint in limb} - set(joint_names)
  if unknown:
    raise ValueError(
      f'limbs name {sorted(unknown)}, but the joints are {list(joint_names)}; leave'
      ' out limbs with other joints'
    )
  places = _standing_places(joint_names)
  panel_height = _PANEL_HEIGHT + _OTHERS_HEIGHT * (places[:, 1] == _OTHERS_ROW).any()
  columns = min(len(titles), _FIGURES_A_ROW)
  rows = math.ceil(len(titles) / columns)
  width, height = columns * _PANEL_WIDTH, rows * panel_height
  figure, axes = drawing.figure(width * _UNIT_INCHES, height * _UNIT_INCHES)
  axes.set(xlim=(0, width), ylim=(height, 0), xticks=(), yticks=())
  axes.spines[:].set_visible(False)
  row, column = np.divmod(np.arange(len(titles)), columns)
  tops = np.stack(
    [(column + 0.5) * _PANEL_WIDTH, row * panel_height + _TITLE_HEIGHT], axis=1
  )  # The top centre of each head, [n, 2].
  points = tops[:, None] + places
  ends = [[joint_names.index(a), joint_names.index(b)] for a, b in limbs]
  _draw_limbs(axes, points[:, ends].reshape(-1, 2, 2))
  discs = _draw_discs(
    axes,
    points.reshape(-1, 2),
    weights.ravel(),
    np.tile(_disc_sizes(places), len(tops)),
  )
  for top, title in zip(tops, titles, strict=True):
    _write_names(axes, top, title, joint_names, places)
  axes.set_xlabel('The person faces you: L, their left, is on the right.')
  drawing.add_scale(figure, discs, 'joint weight')
  return drawing.rgb(figure)


def _checked_weights(
  weights: np.ndarray, rows: Sequence[str], what: str, joint_names: Sequence[str]
) -> np.ndarray:
  weights = np.asarray(weights, np.float64)
  if weights.shape != (len(rows), len(joint_names)) or weights.size == 0:
    raise ValueError(
      f'joint weights have shape {weights.shape}, but {len(rows)} {what} and'
      f' {len(joint_names)} joint names need ({len(rows)}, {len(joint_names)}), at least'
      ' one of each'
    )
  return weights


def _weight_limits(weights: np.ndarray) -> tuple[float, float]:
  """The smallest and the largest weight, at least `_LEAST_SPREAD` apart."""
  finite = weights[np.isfinite(weights)]
  low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
  missing = max(0.0, _LEAST_SPREAD - (high - low)) / 2
  return float(low - missing), float(high + missing)


def _standing_places(joint_names: Sequence[str]) -> Float[np.ndarray, 'j 2']:
  """(x, y) per joint, in units from the top centre of the head, y down."""
  places = {**_STANDING, **_hand_places(), **_face_places()}
  for joint, (x, y) in list(places.items()):
    places[joint.replace('left_', 'right_')] = (-x if x else x, y)
  others = [joint for joint in joint_names if joint not in places]
  spread = np.linspace(-1.8, 1.8, 2 * len(others) + 1)[1::2]
  places |= {name: (x, _OTHERS_ROW) for name, x in zip(others, spread, strict=True)}
  return np.array([places[joint] for joint in joint_names])


def _hand_places() -> dict[str, tuple[float, float]]:
  """The left hand of the whole-body layouts, fingers down."""
  fingers = ('forefinger', 'middle_finger', 'ring_finger', 'pinky_finger')
  return {
    'left_hand_root': (1.85, 4.75),
    **{f'left_thumb{i}': (1.5 - 0.06 * i, 4.8 + 0.2 * i) for i in range(1, 5)},
    **{
      f'left_{finger}{i}': (1.6 + 0.2 * column, 4.85 + 0.25 * i)
      for column, finger in enumerate(fingers)
      for i in range(1, 5)
    },
  }


def _face_places() -> dict[str, tuple[float, float]]:
  """The 68 face points of the whole-body layouts, which begin on the person's right."""

  def arc(number, share, centre, width, height):
    """Points from the left of the picture over the top, along a share of an ellipse."""
    angles = np.pi * (1 - share * np.arange(number) / (number - 1))
    (x, y), right, up = centre, np.cos(angles), np.sin(angles)
    return np.stack([x + width * right, y - height * up], axis=1)

  eye = np.array(
    [(-0.25, 0.3), (-0.1, 0.18), (0.1, 0.18), (0.25, 0.3), (0.1, 0.42), (-0.1, 0.42)]
  )
  aside = np.array([0.45, 0])
  points = np.concatenate(
    [
      arc(17, 1, (0, 0.45), 1.25, -1.2),  # jaw
      *(arc(5, 1, (x, -0.05), 0.35, 0.08) for x in (-0.6, 0.6)),  # brows
      [(0, 0.15), (0, 0.3), (0, 0.45), (0, 0.6)],  # bridge of the nose
      [(0.15 * i, 0.88) for i in range(-2, 3)],  # nostrils
      *(eye - aside, eye + aside),
      arc(13, 2, (0, 1.2), 0.5, 0.2)[:12],  # outer lips
      arc(9, 2, (0, 1.2), 0.3, 0.07)[:8],  # inner lips
    ]
  )
  return {f'face_{i}': (float(x), float(y)) for i, (x, y) in enumerate(points)}


def _disc_sizes(places: Float[np.ndarray, 'j 2']) -> Float[np.ndarray, 'j']:
  """A factor per joint, below 1 where another joint is near."""
  distances = np.linalg.norm(places[:, None] - places, axis=-1)
  np.fill_diagonal(distances, np.inf)
  return np.minimum(1, distances.min(axis=1) / _ROOM)


def _draw_limbs(axes: Axes, ends: Float[np.ndarray, 'limbs 2 2']):
  from matplotlib.collections import LineCollection

  axes.add_collection(LineCollection(list(ends), colors='0.7', linewidths=2, zorder=1))


def _draw_discs(
  axes: Axes,
  points: Float[np.ndarray, 'discs 2'],
  weights: Float[np.ndarray, 'discs'],
  sizes: Float[np.ndarray, 'discs'],
) -> ScalarMappable:
  low, high = _weight_limits(weights)
  heavy = np.nan_to_num((weights - low) / (high - low))
  radius = sizes * (0.13 + 0.2 * heavy) * _UNIT_INCHES * 72  # Points.
  return axes.scatter(
    *points.T,
    s=(2 * radius) ** 2,
    c=weights,
    cmap=drawing.colours(_WEIGHT_COLOURS),
    vmin=low,
    vmax=high,
    plotnonfinite=True,
    edgecolors='0.3',
    linewidths=list(0.6 * sizes),
    zorder=2,
  )


def _write_names(
  axes: Axes,
  top: Float[np.ndarray, '2'],
  title: str,
  joint_names: Sequence[str],
  places: Float[np.ndarray, 'j 2'],
):
  """Writes a figure's title, its sides, and the joints without a place on it."""
  x, y = top
  text = textwrap.fill(title, 20, max_lines=3, placeholder=' …')
  axes.text(x, y - 0.25, text, fontsize=9, ha='center', va='bottom')
  for side, name in ((-2, 'R'), (2, 'L')):
    axes.text(x + side, y + 1.8, name, fontsize=8, color='0.5', ha='center')
  for (right, down), name in zip(places, joint_names, strict=True):
    if down == _OTHERS_ROW:
      axes.text(x + right, y + down + 0.45, name, fontsize=6, ha='center', va='top')
