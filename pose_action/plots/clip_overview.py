"""One picture of a clip from its poses to the model's answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, UInt8

from pose_action.plots import drawing

if TYPE_CHECKING:
  from matplotlib.axes import Axes

# Our choices; in inches.
_PANEL = 1.3
_GAP = 0.06
_HEADING = 0.42
_ROW = _PANEL + _HEADING
_ANSWER_WIDTH = 3.4
_HEADINGS = (
  'Poses, frame by frame',
  'Joint heatmaps: where the joints are',
  'Motion maps: how the joints move',
)


def clip_overview_image(
  poses: Float[np.ndarray, 't j 2'],
  seen: Bool[np.ndarray, 't j'],
  *,
  limbs: Sequence[tuple[int, int]],
  limb_sides: Sequence[str],
  maps: Float[np.ndarray, 't h w'],
  motion_maps: Float[np.ndarray, 'n h w'],
  answer: Sequence[tuple[str, float]],
  truth: str = '',
) -> UInt8[np.ndarray, 'h w 3']:
  """Three rows (poses, joint heatmaps, motion maps) beside the most probable classes.

  Args:
    poses: of one person, (x, y) in pixels, for the frames that the model reads.
    seen: whether a joint is present.
    limbs: joint indices of each limb.
    limb_sides: 'left', 'right' or 'middle' for each limb.
    maps: the heatmaps of all joints, the maximum per cell, in 0..1.
    motion_maps: outputs of the temporal pose convolution, the strongest joint per cell.
    answer: class names and probabilities, best first.
    truth: the class of the clip, marked in the answer.
  """
  columns = max(len(poses), len(motion_maps))
  across = columns * (_PANEL + _GAP)
  width, height = across + 1.9 + _ANSWER_WIDTH, 3 * _ROW
  figure, whole = drawing.figure(width, height)
  whole.set_axis_off()

  def panel(row: int, column: int) -> Axes:
    left, top = column * (_PANEL + _GAP), row * _ROW + _HEADING
    place = (left / width, 1 - (top + _PANEL) / height, _PANEL / width, _PANEL / height)
    axes = figure.add_axes(place)
    axes.set(xticks=[], yticks=[])
    return axes

  for row, text in enumerate(_HEADINGS):
    y = 1 - (row * _ROW + _HEADING - 0.1) / height
    figure.text(0, y, f'{row + 1}. {text}', fontsize=12, fontweight='bold')
  _draw_poses(panel, poses, seen, limbs, limb_sides)
  _draw_maps(panel, maps, motion_maps)
  left = (across + 0.45) / width
  figure.text(left, 0.9, '4. Prediction', fontsize=12, fontweight='bold')
  place = ((across + 1.7) / width, 0.3, (_ANSWER_WIDTH - 0.1) / width, 0.52)
  _draw_answer(figure.add_axes(place), answer, truth)
  return drawing.rgb(figure)


def _draw_poses(panel, poses, seen, limbs, limb_sides):
  low, high = _span(poses, seen)
  for column, (pose, there) in enumerate(zip(poses, seen, strict=True)):
    _draw_pose(panel(0, column), pose, there, limbs, limb_sides, low, high)


def _draw_maps(panel, maps, motion_maps):
  for column, heatmap in enumerate(maps):
    panel(1, column).imshow(heatmap, cmap='magma', vmin=0, vmax=1, aspect='auto')
  strongest = float(np.abs(motion_maps).max()) or 1.0
  for column, motion in enumerate(motion_maps):
    panel(2, column).imshow(
      motion, cmap='RdBu_r', vmin=-strongest, vmax=strongest, aspect='auto'
    )


def _span(
  poses: np.ndarray, seen: np.ndarray
) -> tuple[Float[np.ndarray, '2'], Float[np.ndarray, '2']]:
  """The corners of a square around the person in all frames."""
  points = poses[seen]
  low, high = points.min(axis=0), points.max(axis=0)
  half = 0.55 * max(*(high - low), 1.0)
  return (low + high) / 2 - half, (low + high) / 2 + half


def _draw_pose(axes: Axes, pose, there, limbs, limb_sides, low, high):
  for (a, b), side in zip(limbs, limb_sides, strict=True):
    if there[a] and there[b]:
      axes.plot(*pose[[a, b]].T, color=drawing.SIDE_COLOURS[side], linewidth=2.5)
  axes.plot(*pose[there].T, 'o', color='0.15', markersize=3)
  axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))


def _draw_answer(axes: Axes, answer: Sequence[tuple[str, float]], truth: str):
  names = [name for name, _ in answer]
  shares = [100 * share for _, share in answer]
  colours = ['#009E73' if name == truth else '0.6' for name in names]
  bars = axes.barh(range(len(names)), shares, color=colours)
  axes.bar_label(bars, [f'{share:.1f} %' for share in shares], padding=4)
  axes.set(xlim=(0, 125), xticks=[], ylim=(len(names) - 0.4, -0.6))
  axes.set_yticks(range(len(names)), names, fontsize=11)
  axes.spines[['top', 'right', 'bottom']].set_visible(False)
  axes.tick_params(left=False)
  if truth:
    axes.set_xlabel('green: the true class', fontsize=10, labelpad=10)
