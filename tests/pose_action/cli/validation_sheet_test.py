"""Which clips and frames the picture of a validation shows."""

import dataclasses

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import SKELETONS
from input_pipeline.validation.findings import warning
from input_pipeline.validation.validate import Validation, validate
from pose_action.cli import validation_sheet
from pose_action.plots.contact_sheet import SheetClip

JHMDB = SKELETONS['jhmdb']


def load(video_id: str) -> PoseClip:
  """Clips 'a0', 'a1', ... have class 0, 'b0', ... class 1; their joints are random."""
  if video_id == 'torn':
    raise PoseDataError('torn')
  rng = np.random.default_rng(ord(video_id[0]) * 100 + int(video_id[1:]))
  keypoints = rng.uniform(0, 99, (10, 1, 15, 2))
  label = 'ab'.index(video_id[0])
  return PoseClip(
    video_id, keypoints, np.ones((10, 1, 15)), (100, 100), JHMDB, (label,)
  )


@pytest.fixture
def source() -> PoseSource:
  video_ids = (*(f'{k}{i}' for k in 'ab' for i in range(8)), 'torn')
  return PoseSource(JHMDB, ('run', 'jump'), {'train': video_ids}, load)


def validation_of(source: PoseSource, *findings) -> Validation:
  """A validation of the source's clips, with these findings in place of its own."""
  return dataclasses.replace(
    validate(source, progress=lambda line: None), findings=findings
  )


def chosen(validation: Validation, most: int) -> list[str]:
  return [clip.video_id for clip in validation_sheet.chosen_clips(validation, most)]


def test_classes_take_turns(source):
  assert chosen(validation_of(source), 5) == ['a0', 'b0', 'a1', 'b1', 'a2']


def test_each_finding_shows_a_clip_before_any_shows_two(source):
  validation = validation_of(
    source,
    warning('one', '', ('b5', 'b6', 'b7')),
    warning('two', '', ('torn', 'a6')),
    warning('of_all', '', tuple(f'{k}{i}' for k in 'ab' for i in range(8))),
  )
  # Half of the 6 clips have findings, and the other half have none.
  assert chosen(validation, 6) == ['b5', 'a6', 'b6', 'a0', 'b0', 'a1']


def test_few_clips_are_all_shown(source):
  validation = validation_of(source, warning('one', '', ('b5',)))
  assert sorted(chosen(validation, 99)) == sorted(source.splits['train'][:-1])


@pytest.fixture
def drawn(monkeypatch):
  """The clips of the last sheet, which are recorded instead of drawn."""
  clips: list[SheetClip] = []

  def draw(heading, sheet, limbs, limb_sides):
    assert (limbs, limb_sides) == (JHMDB.limb_indices, JHMDB.limb_sides)
    clips[:] = sheet

  monkeypatch.setattr(validation_sheet, 'contact_sheet_image', draw)
  return clips


def test_a_clip_is_captioned_with_its_class_and_its_findings(source, drawn):
  validation = validation_of(
    source, warning('one', '', ('b5',)), warning('two', '', ('b5', 'a6'))
  )
  validation_sheet.validation_sheet(source, validation, 'heading', most=4)
  assert [(c.title, c.caption, c.marked) for c in drawn] == [
    ('b5', 'jump: one, two', True),
    ('a6', 'run: two', True),
    ('a0', 'run', False),
    ('b0', 'jump', False),
  ]
  assert list(drawn[2].frames) == [0, 3, 6, 9]
  np.testing.assert_array_equal(drawn[2].keypoints, load('a0').keypoints[[0, 3, 6, 9]])


def test_frames_around_a_swap_of_left_and_right_are_shown(source, drawn):
  """Left and right are swapped from frame 6 on."""
  still = PoseClip(
    'still',
    np.tile(load('a0').keypoints[:1], (10, 1, 1, 1)),
    np.ones((10, 1, 15)),
    (100, 100),
    JHMDB,
  )
  keypoints = still.keypoints.copy()
  keypoints[6:] = keypoints[6:][:, :, list(JHMDB.flip_permutation)]
  swapped = dataclasses.replace(still, keypoints=keypoints)
  source = dataclasses.replace(
    source, splits={'all': ('still',)}, load=lambda video_id: swapped
  )
  validation_sheet.validation_sheet(source, validation_of(source), 'heading')
  assert [(list(c.frames), c.caption) for c in drawn] == [([4, 5, 6, 7], 'no label')]


def test_the_picture_is_an_rgb_image(source):
  image = validation_sheet.validation_sheet(source, validation_of(source), 'heading')
  assert image.ndim == 3 and image.dtype == np.uint8
