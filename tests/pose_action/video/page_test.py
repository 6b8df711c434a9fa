"""The page: what it holds, what names cannot do to it, and that a browser runs it."""

import dataclasses
import html.parser
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from input_pipeline.poses.clip import PoseClip
from input_pipeline.skeletons.registry import Skeleton
from pose_action.plots.timelines import Bar, Lane
from pose_action.video.page import PageLimits, write_page
from pose_action.video.scene import scene_of_clip

LINE = Skeleton('line', ('head', 'left_foot', 'right_foot'), (('head', 'left_foot'),))
EVIL = '</script><script>document.title="owned"</script><img src=x onerror=alert(1)>&\''
BROWSERS = ('chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome')


def scene(count=8, rate: float | None = 2.0, **more):
  """Two people on frames of 320x160, which a page shows twice as large."""
  xy = np.zeros((count, 2, 3, 2))
  xy[:, 0] = [[10, 10], [30, 60], [20, 60]]
  xy[:, 1] = [[200, 10], [220, 60], [210, 60]]
  xy[..., 0] += np.arange(count)[:, None, None]
  scores = np.ones((count, 2, 3))
  scores[:, :, 2] = 0  # The right foot is missing.
  clip = PoseClip.from_arrays(
    xy, scores, frame_size=(160, 320), skeleton=LINE, frame_rate=rate, video_id='kick'
  )
  return dataclasses.replace(scene_of_clip(clip, 'walk 93 %'), **more)


class _Elements(html.parser.HTMLParser):
  """Counts elements, and gathers the text of scripts and titles."""

  def __init__(self):
    super().__init__()
    self.counts: dict[str, int] = {}
    self.links: list[str] = []
    self.texts: dict[str, list[str]] = {}
    self._open = ''

  def handle_starttag(self, tag, attrs):
    self.counts[tag] = self.counts.get(tag, 0) + 1
    self.links += [value for name, value in attrs if name in ('src', 'href')]
    self._open = tag

  def handle_endtag(self, tag):
    self._open = ''

  def handle_data(self, data):
    self.texts.setdefault(self._open, []).append(data)


def read(path):
  elements = _Elements()
  elements.feed(path.read_text('utf-8'))
  return elements, json.loads(elements.texts['script'][0])


def test_what_a_page_holds(tmp_path):
  lanes = (Lane('t0', (0, 8), (Bar('walk', 0, 4, 0.91234),)),)
  write_page(tmp_path / 'x.html', [lambda: scene(lanes=lanes, labels=('sit', 'walk'))])
  elements, data = read(tmp_path / 'x.html')
  assert elements.links == []  # Nothing is fetched.
  assert 'http' not in (tmp_path / 'x.html').read_text().replace('http-equiv', '')
  (clip,) = data['clips']
  assert (clip['name'], clip['caption'], clip['rate']) == ('kick', 'walk 93 %', 2.0)
  assert clip['limbs'] == [[0, 1, 'left']]
  assert clip['people'] == ['t0', 't1']
  # 640 pixels for 320: a joint at x = 10 is 10.5 from the border, 21 on the page.
  assert clip['frames'][0] == [
    [0, 21, 21, 61, 121, None, None],
    [1, 401, 21, 441, 121, None, None],
  ]
  assert clip['lanes'] == [{'name': 't0', 'seen': [0, 8], 'bars': [[1, 0, 4, 0.912]]}]
  assert data['labels'] == ['sit', 'walk']


def evil_scene():
  lanes = (Lane('t0', (0, 8), (Bar(EVIL, 0, 8, 0.9),)),)
  return scene(name=EVIL, caption=EVIL, lanes=lanes, labels=(EVIL,))


def test_names_and_labels_are_text(tmp_path):
  write_page(tmp_path / 'x.html', [evil_scene])
  elements, data = read(tmp_path / 'x.html')
  assert elements.counts['script'] == 2 and 'img' not in elements.counts
  assert data['clips'][0]['name'] == data['labels'][0] == EVIL
  assert elements.texts['title'] == [EVIL]


def test_a_page_has_a_bound(tmp_path):
  makers = [lambda: scene(count=30, rate=10)]  # 30 frames, 2 people, 3 joints, x and y.
  write_page(tmp_path / 'x.html', makers, PageLimits(numbers=100, per_second=2))
  _, data = read(tmp_path / 'x.html')
  assert data['clips'][0]['step'] == 4
  assert len(data['clips'][0]['frames']) == 8
  with pytest.raises(ValueError, match=r'x.html would hold 360 coord.*--video_ids'):
    write_page(tmp_path / 'x.html', makers, PageLimits(numbers=50, per_second=2))
  with pytest.raises(ValueError, match='there is no clip to write'):
    write_page(tmp_path / 'y.html', [])
  assert [file.name for file in tmp_path.iterdir()] == ['x.html']


@pytest.fixture
def after(tmp_path):
  """A function (scene, seconds) that returns the page's elements as text by then."""
  browser = next(filter(None, map(shutil.which, BROWSERS)), None)
  if browser is None:
    pytest.skip(f'no browser is installed: none of {", ".join(BROWSERS)}')

  def show(make, seconds):
    write_page(tmp_path / 'x.html', [make])
    shown = subprocess.run(
      [
        *(browser, '--headless', '--no-sandbox', '--disable-gpu', '--dump-dom'),
        *(f'--user-data-dir={tmp_path}/profile', '--enable-logging=stderr'),
        *(
          f'--virtual-time-budget={round(1000 * seconds)}',
          f'file://{tmp_path}/x.html',
        ),
      ],
      capture_output=True,
      text=True,
      timeout=300,
    )
    # What a script, or the content policy, complains of.
    assert 'CONSOLE' not in shown.stderr, shown.stderr
    found = {}
    for element in ('time', 'caption', 'name', 'legend'):
      match = re.search(
        rf'id="{element}"[^>]*>(.*?)</(?:output|p|h1|ul)>', shown.stdout
      )
      found[element] = html.unescape(re.sub('<[^>]*>', '', match[1] if match else ''))
    found['whole'] = shown.stdout
    return found

  return show


def test_a_browser_plays_the_page(after):
  lanes = (Lane('t0', (0, 8), (Bar('walk', 0, 4, 0.91), Bar('sit', 4, 8, 0.8))),)
  shown = after(lambda: scene(lanes=lanes, labels=('sit', 'walk')), 2.7)
  assert shown['time'] == '2.50 s'  # Frame 5, at two frames per second.
  assert (shown['caption'], shown['name']) == ('sit 80 %', 'kick')
  assert shown['legend'] == 'walksit'
  assert '<canvas id="stage" width="640" height="320">' in shown['whole']


def test_a_browser_shows_hostile_names_as_text(after):
  shown = after(evil_scene, 1.2)
  assert shown['time'] == '1.00 s'
  assert shown['name'] == shown['legend'] == EVIL
  assert shown['caption'] == f'{EVIL} 90 %'
  assert '<title>owned' not in shown['whole'] and '<img' not in shown['whole']
