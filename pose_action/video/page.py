"""One page that shows moving skeletons, with all that it needs in the file.

Names and labels are data, which the page's script writes as text. A content policy lets
the browser run that script alone, and fetch nothing.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import json
import math
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from pose_action.host import atomic_files
from pose_action.plots.drawing import SIDE_COLOURS, rgb_of
from pose_action.plots.timelines import COLOURS, DARK
from pose_action.video.page_script import SCRIPT, STYLE
from pose_action.video.scene import MakeScene, Scene

# All ours.
_SIDE = 640  # The longer side of a frame on the page, in pixels.
_MOST_NUMBERS = 1_000_000  # Coordinates in a page; about 5 MB.
_FEWEST_PER_SECOND = 2.0  # Frames; fewer no longer show a movement.
_MOST_LANES = 60  # As in a picture of timelines.
_FARTHEST = 10_000  # Pixels of the page.

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<canvas id="stage"></canvas>
<section id="said">
<select id="clips" aria-label="clip"></select>
<h1 id="name"></h1>
<p id="caption"></p>
<div id="controls">
<button id="play" type="button">Pause</button>
<input id="slider" type="range" min="0" value="0" aria-label="frame">
<output id="time"></output>
</div>
<canvas id="lanes"></canvas>
<ul id="legend"></ul>
</section>
</main>
<script id="data" type="application/json">{data}</script>
<script>{script}</script>
</body>
</html>
"""


@dataclasses.dataclass(frozen=True)
class PageLimits:
  """How much a page may hold.

  Attributes:
    numbers: most coordinates of joints; of more, every second frame is left out, or two
      of three, and so on.
    per_second: fewest frames per second; with fewer, the page is refused.
  """

  numbers: int = _MOST_NUMBERS
  per_second: float = _FEWEST_PER_SECOND


def write_page(
  path: str | os.PathLike[str],
  scenes: Iterable[MakeScene],
  limits: PageLimits | None = None,
):
  """Writes a page with all scenes, to choose from; atomically.

  Args:
    scenes: is iterated over twice, with one scene in memory at a time.

  Raises:
    ValueError: without a scene, or if the page would be too large.
    OSError: if the file cannot be written.
  """
  numbers, slowest = 0, math.inf
  for make in scenes:
    scene = make()
    numbers += sum(2 * len(pose) for people in scene.people for pose in people.values())
    slowest = min(slowest, scene.rate)
  if slowest == math.inf:
    raise ValueError(f'there is no clip to write to {os.fspath(path)}')
  limits = limits or PageLimits()
  step = max(1, math.ceil(numbers / limits.numbers))
  if step > 1 and slowest / step < limits.per_second:
    raise ValueError(
      f'{os.fspath(path)} would hold {numbers} coordinates, but a page holds at most'
      f' {limits.numbers} at {limits.per_second:g} frames per second; choose clips with'
      ' --video_ids (Python: fewer predictions), or write *.mp4'
    )
  clips, labels, title = [], (), ''
  for make in scenes:
    scene = make()
    title = title or scene.name
    labels = labels or scene.labels
    clips.append(_as_data(scene, step))
  content = {
    'clips': clips,
    'labels': labels,
    'side': _SIDE,
    'sides': {
      side: '#' + bytes(rgb_of(colour)).hex() for side, colour in SIDE_COLOURS.items()
    },
    'colours': COLOURS,
    'inks': ['#ffffff' if colour in DARK else '#1a1a1a' for colour in COLOURS],
  }
  atomic_files.write_text(path, _page(title, content))


def _page(title: str, content: dict[str, Any]) -> str:
  data = json.dumps(content, separators=(',', ':'))
  for sign in '<>&':  # Nothing in it can end the element that holds it.
    data = data.replace(sign, f'\\u{ord(sign):04x}')
  policy = f'script-src {_digest(SCRIPT)}; style-src {_digest(STYLE)}'
  return _PAGE.format(
    policy=policy, title=html.escape(title), style=STYLE, data=data, script=SCRIPT
  )


def _digest(text: str) -> str:
  """A source in a content policy: exactly this text."""
  digest = hashlib.sha256(text.encode()).digest()
  return f"'sha256-{base64.b64encode(digest).decode()}'"


def _as_data(scene: Scene, step: int) -> dict[str, Any]:
  """A scene as JSON-ready data, with every step-th frame, in pixels of the page."""
  height, width = scene.frame_size
  scale = _SIDE / max(height, width)
  names = dict.fromkeys(name for frame in scene.people for name in frame)
  places = {name: place for place, name in enumerate(names)}
  return {
    'name': scene.name,
    'caption': scene.caption,
    'width': width,
    'height': height,
    'rate': scene.rate,
    'step': step,
    'count': scene.num_frames,
    'named': scene.is_named,
    'limbs': [
      [a, b, side] for (a, b), side in zip(scene.limbs, scene.limb_sides, strict=True)
    ],
    'people': list(places),
    'lanes': [
      {
        'name': lane.name,
        'seen': lane.seen,
        'bars': [
          [scene.labels.index(bar.label), bar.start, bar.stop, round(bar.score, 3)]
          for bar in lane.bars
        ],
      }
      for lane in scene.lanes[:_MOST_LANES]
    ],
    'frames': [
      [[places[name], *_coordinates(pose, scale)] for name, pose in frame.items()]
      for frame in scene.people[::step]
    ],
  }


def _coordinates(pose: np.ndarray, scale: float) -> list[int | None]:
  """x and y of each joint as whole pixels of the page; None for a missing joint."""
  points = np.clip((pose[:, :2] + 0.5) * scale, -_FARTHEST, _FARTHEST)
  values = np.round(points).astype(int).tolist()
  return [
    value if there else None
    for point, there in zip(values, pose[:, 2] > 0, strict=True)
    for value in point
  ]
