"""Draws trajectories as a model reads them: skeletons at a few moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from pose_action.plots import drawing

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure

# All ours; lengths in inches.
_MOMENTS = 8  # The most per clip.
_PANEL = 1.4
_PANEL_HEIGHTS = 0.9, 2.2  # The limits; the clip with the tallest box decides.
_GAP = 0.06
_MARGIN = 0.08  # Of a panel, on each side of the people.
_HEADING = 0.3
_BAR = 0.19  # One line of the table of joint weights.
_BAR_WIDTH = 3.0
_JOINTS_SHOWN = 20
_GUESSED = '0.6'  # Joints that were missing.


def sample_trajectories_image(
  trajectories: Float[np.ndarray, 'b m t j 3'],
  titles: Sequence[str],
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws a row per clip and a column per moment, at most 8, evenly spread.

  The people of a clip keep their size and place relative to each other in all moments;
  clips are drawn as large as their panels allow. Joints that were missing, whose score is
  0, are hollow; people whose scores are all 0 are left out.

  Args:
    trajectories: x, y (down) and score, as the model reads them.
    limbs: two joint indices per limb.
    limb_sides: the person's own 'left' or 'right', or 'middle', per limb.

  Raises:
    ValueError: for another shape, or another number of titles.
  """
  trajectories = np.asarray(trajectories, np.float32)
  if trajectories.ndim != 5 or trajectories.shape[-1] != 3 or 0 in trajectories.shape:
    raise ValueError(
      f'trajectories have shape {trajectories.shape}, but need [b, m, t, j, 3] without'
      ' an empty axis'
    )
  if len(titles) != len(trajectories):
    raise ValueError(f'{len(trajectories)} clips need a title each, not {len(titles)}')
  moments = _moments(trajectories.shape[2])
  panel_height = _panel_height(trajectories)
  width, height = _size(len(moments), len(titles), panel_height)
  figure, axes = _sheet(width, height)
  for row, (clip, title) in enumerate(zip(trajectories, titles, strict=True)):
    top = row * (panel_height + _GAP)
    axes.text(-0.1, top + panel_height / 2, title, fontsize=10, ha='right', va='center')
    _draw_moments(axes, clip, moments, top, panel_height, limbs, limb_sides)
  _name_moments(axes, moments, height, trajectories.shape[2])
  _draw_legend(axes, -0.12)
  return drawing.rgb(figure)


def trajectory_image(
  title: str,
  subtitle: str,
  trajectory: Float[np.ndarray, 'm t j 3'],
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
  *,
  joint_names: Sequence[str] = (),
  joint_weights: Float[np.ndarray, 'j'] | None = None,
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws one clip's moments, and below them the weights of its joints, if any.

  Args:
    trajectory, limbs, limb_sides: same as in `sample_trajectories_image`.
    joint_names: one per weight; the 20 heaviest are shown.
  """
  moments = _moments(trajectory.shape[1])
  panel_height = _panel_height(trajectory[None])
  width, height = _size(len(moments), 1, panel_height)
  figure, axes = _sheet(width, height)
  axes.text(0, -0.76, title, fontsize=14, fontweight='bold')
  axes.text(0, -0.5, subtitle, fontsize=11)
  _draw_moments(axes, trajectory, moments, 0, panel_height, limbs, limb_sides)
  _name_moments(axes, moments, height, trajectory.shape[1])
  _draw_legend(axes, -0.12)
  if joint_weights is not None:
    _draw_weights(figure, joint_names, np.asarray(joint_weights))
  return drawing.rgb(figure)


def _moments(length: int) -> Int[np.ndarray, ' n']:
  return np.linspace(0, length - 1, min(length, _MOMENTS)).round().astype(int)


def _size(columns: int, rows: int, panel_height: float) -> tuple[float, float]:
  return columns * (_PANEL + _GAP) - _GAP, rows * (panel_height + _GAP) - _GAP


def _sheet(width: float, height: float) -> tuple[Figure, Axes]:
  """Axes without frame, whose unit is an inch, y down."""
  figure, axes = drawing.figure(width, height)
  axes.set_axis_off()
  axes.set(xlim=(0, width), ylim=(height, 0))
  return figure, axes


def _present(clip: Float[np.ndarray, 'm t j 3']) -> Bool[np.ndarray, 'm']:
  return np.any(clip[..., 2] > 0, axis=(1, 2))


def _box(
  clip: Float[np.ndarray, 'm t j 3'],
) -> tuple[Float[np.ndarray, '2'], Float[np.ndarray, '2']]:
  """The middle and the extent (x, y) of the people who are present."""
  points = clip[_present(clip)][..., :2].reshape(-1, 2)
  if not len(points):
    return np.zeros(2), np.ones(2)
  low, high = points.min(axis=0), points.max(axis=0)
  return (low + high) / 2, np.maximum(high - low, 1e-3)


def _panel_height(clips: Float[np.ndarray, 'b m t j 3']) -> float:
  extents = [_box(clip)[1] for clip in clips]
  highest = max(height / width for width, height in extents)
  return float(np.clip(_PANEL * highest, *_PANEL_HEIGHTS))


def _draw_moments(
  axes: Axes,
  clip: Float[np.ndarray, 'm t j 3'],
  moments: Int[np.ndarray, ' n'],
  top: float,
  panel_height: float,
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
):
  from matplotlib.patches import Rectangle

  middle, extent = _box(clip)
  room = (1 - 2 * _MARGIN) * np.array([_PANEL, panel_height])
  scale = (room / extent).min()
  people = clip[_present(clip)]
  for column, moment in enumerate(moments):
    corner = np.array([column * (_PANEL + _GAP), top])
    frame = Rectangle((corner[0], corner[1]), _PANEL, panel_height)
    frame.set(facecolor='0.97', edgecolor='0.7', linewidth=0.5, clip_on=False)
    axes.add_patch(frame)
    centre = corner + np.array([_PANEL, panel_height]) / 2
    points = centre + (people[:, moment, :, :2] - middle) * scale
    _draw_people(axes, points, people[:, moment, :, 2] > 0, limbs, limb_sides)


def _draw_people(
  axes: Axes,
  points: Float[np.ndarray, 'm j 2'],
  seen: Bool[np.ndarray, 'm j'],
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
):
  """Limbs in their side's colour, faint where an end is a guess; joints as dots."""
  from matplotlib.collections import LineCollection

  for person, there in zip(points, seen, strict=True):
    ends = [person[list(limb)] for limb in limbs]
    colours = [drawing.SIDE_COLOURS[side] for side in limb_sides]
    sure = [0.95 if there[a] and there[b] else 0.3 for a, b in limbs]
    lines = LineCollection(ends, colors=colours, linewidths=1.6, capstyle='round')
    lines.set_alpha(sure)
    axes.add_collection(lines)
    dots: dict[str, Any] = {'linestyle': '', 'marker': 'o', 'zorder': 3}
    axes.plot(*person[there].T, **dots, markersize=2.4, color='0.1')
    axes.plot(
      *person[~there].T,
      **dots,
      markersize=2.6,
      markerfacecolor='white',
      markeredgecolor=_GUESSED,
      markeredgewidth=0.7,
    )


def _name_moments(axes: Axes, moments: np.ndarray, height: float, length: int):
  """Numbers below the columns, and what they mean."""
  for column, moment in enumerate(moments):
    place = column * (_PANEL + _GAP) + _PANEL / 2
    axes.text(place, height + 0.17, str(moment), fontsize=9, ha='center')
  whole = len(moments) * (_PANEL + _GAP) - _GAP
  text = f'moment, from 0 to {length - 1}'
  axes.text(whole / 2, height + 0.38, text, fontsize=10, ha='center')


def _draw_legend(axes: Axes, bottom: float):
  from matplotlib.lines import Line2D

  names = {'left': "the person's left", 'right': 'right', 'middle': 'middle'}
  handles = [
    Line2D([], [], color=drawing.SIDE_COLOURS[side], linewidth=2.5, label=name)
    for side, name in names.items()
  ]
  dots: dict[str, Any] = {'linestyle': '', 'marker': 'o', 'markersize': 4}
  handles.append(Line2D([], [], **dots, color='0.1', label='joint'))
  hollow: dict[str, Any] = {'markerfacecolor': 'white', 'markeredgecolor': _GUESSED}
  handles.append(Line2D([], [], **dots, **hollow, label='missing, filled in'))
  axes.legend(
    handles=handles,
    loc='lower left',
    bbox_to_anchor=(0, bottom),
    bbox_transform=axes.transData,
    borderaxespad=0,
    borderpad=0,
    ncols=len(handles),
    frameon=False,
    fontsize=9,
  )


def _draw_weights(figure: Figure, names: Sequence[str], weights: np.ndarray):
  """Bars below the figure, the heaviest joint first."""
  order = np.argsort(-weights, kind='stable')[:_JOINTS_SHOWN]
  width, height = figure.get_size_inches()
  tall = _BAR * len(order)
  upper = -(0.55 + _HEADING) / height  # Below the numbers of the moments.
  left = 0.09 * max(len(names[int(i)]) for i in order)
  bars = figure.add_axes(
    (left / width, upper - tall / height, _BAR_WIDTH / width, tall / height)
  )
  chosen = '' if len(order) == len(weights) else f', the {len(order)} heaviest'
  bars.set_title(
    f'joint weights{chosen}', fontsize=11, fontweight='bold', loc='left', pad=6
  )
  drawn = bars.barh(range(len(order)), weights[order], color='#009E73', height=0.7)
  bars.bar_label(drawn, [f'{weights[i]:.3f}' for i in order], padding=4, fontsize=8)
  bars.set_yticks(range(len(order)), [names[int(i)] for i in order], fontsize=9)
  most = float(weights[order].max()) or 1.0
  bars.set(ylim=(len(order) - 0.5, -0.5), xlim=(0, 1.15 * most), xticks=())
  bars.spines[['top', 'right', 'bottom']].set_visible(False)
  bars.tick_params(left=False)
