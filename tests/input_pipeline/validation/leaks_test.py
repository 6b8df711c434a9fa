"""Sources and nearly equal clips on both sides are found, whatever their names."""

import dataclasses

import numpy as np
import pytest

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import SKELETONS
from input_pipeline.validation.fingerprint import fingerprint, near_repeats
from input_pipeline.validation.validate import validate

SKELETON = SKELETONS['coco_17']


def moving_clip(seed, num_frames=40, label=0):
  """A person about 150 pixels tall whose joints move smoothly."""
  rng = np.random.default_rng(seed)
  start = rng.uniform(50, 200, (17, 2))
  phase, speed = rng.uniform(0, 6, (17, 2)), rng.uniform(0.05, 0.3, (17, 2))
  time = np.arange(num_frames)[:, None, None]
  keypoints = start + 15 * np.sin(phase + speed * time)
  return PoseClip(
    video_id=f'clip{seed}',
    keypoints=keypoints[:, None],
    scores=np.ones((num_frames, 1, 17)),
    frame_size=(300, 300),
    skeleton=SKELETON,
    labels=(label,),
  )


def changed(clip, name, first=0, scale=1.0, shift=0.0, noise=0.0):
  rng = np.random.default_rng(1)
  keypoints = clip.keypoints[first:] * scale + shift
  return dataclasses.replace(
    clip,
    video_id=name,
    keypoints=keypoints + rng.normal(0, noise, keypoints.shape) if noise else keypoints,
    scores=clip.scores[first:],
  )


def found(clips, splits, group_by='auto', groups=None):
  """(check, clips) of the warnings about leaks."""
  named = {clip.video_id: clip for clip in clips}
  source = PoseSource(
    SKELETON, ('run', 'jump'), splits, named.__getitem__, groups=groups or {}
  )
  validation = validate(source, progress=lambda line: None, group_by=group_by)
  checks = ('source_in_two_splits', 'near_duplicate', 'near_duplicate_in_folds')
  assert not validation.errors
  return [(f.check, f.clips) for f in validation.warnings if f.check in checks]


@pytest.mark.parametrize(
  'change',
  [
    {'noise': 0.4},
    {'first': 7},
    {'scale': 0.7, 'shift': 11.0},
    {'first': 5, 'scale': 1.3, 'shift': -20.0, 'noise': 0.3},
  ],
  ids=str,
)
def test_nearly_equal_clips_on_both_sides(change):
  clips = [moving_clip(seed) for seed in range(8)]
  copy = changed(clips[2], 'copy', **change)
  splits = {'train': tuple(c.video_id for c in clips), 'test': ('copy', 'clip99')}
  other = moving_clip(99)
  assert found([*clips, copy, other], splits) == [('near_duplicate', ('copy',))]


def test_an_exact_copy_is_reported_once():
  clips = [moving_clip(seed) for seed in range(8)]
  copy = changed(clips[2], 'copy')
  splits = {'train': tuple(c.video_id for c in clips), 'test': ('copy',)}
  assert found([*clips, copy], splits) == []


def test_nearly_equal_clips_that_folds_divide():
  clips = [moving_clip(seed) for seed in range(9)]
  copy = changed(clips[0], 'copy', first=3)
  # Both have the same class, so that they are held out in different folds.
  splits = {'all': (*(c.video_id for c in clips), 'copy')}
  (warning,) = found([*clips, copy], splits)
  assert warning == ('near_duplicate_in_folds', ('clip0', 'copy'))
  assert found([*clips, copy], splits, groups={'clip0': 'x', 'copy': 'x'}) == []


def test_clips_with_few_joints_or_frames_are_not_compared():
  clip = moving_clip(0)
  blind = dataclasses.replace(clip, scores=clip.scores * (np.arange(17) < 4))
  assert len(fingerprint(blind)) == 0
  assert fingerprint(moving_clip(0, num_frames=640)).shape == (64, 34)
  assert list(near_repeats([fingerprint(blind)], [fingerprint(clip)])) == []
  assert list(near_repeats([fingerprint(clip)], [fingerprint(blind)])) == []
  assert list(near_repeats([], [])) == []
  assert list(near_repeats([fingerprint(clip)], [fingerprint(clip)])) == [(0, 0)]


def named(names, labels):
  return [
    dataclasses.replace(moving_clip(seed, label=label), video_id=name)
    for seed, (name, label) in enumerate(zip(names, labels, strict=True))
  ]


def test_a_source_of_one_class_on_both_sides():
  names = ['Film_sit_f_cm_np1_fr_med_0', 'Film_sit_f_cm_np1_fr_med_1', 'Film_run_x']
  clips = named(names, [0, 0, 1])
  splits = {'train': names[:1], 'test': names[1:]}
  splits = {split: tuple(ids) for split, ids in splits.items()}
  assert found(clips, splits) == [('source_in_two_splits', (names[1],))]
  assert found(clips, splits, group_by='none') == []
  # The official splits divide films between classes.
  assert found(named(names, [0, 1, 1]), splits) == []


def test_groups_that_the_user_states_are_whole_for_all_classes():
  clips = named(['a1', 'b1', 'a2'], [0, 0, 1])
  splits = {'train': ('a1', 'b1'), 'test': ('a2',)}
  shared = [('source_in_two_splits', ('a2',))]
  assert found(clips, splits) == []
  assert found(clips, splits, groups={'a1': 'anna', 'a2': 'anna'}) == shared
  assert found(clips, splits, group_by=r'^([a-z])') == shared
  with pytest.raises(ValueError, match="'ucf', but no clip has such a name"):
    found(clips, splits, group_by='ucf')


def test_ntus_cross_view_split_has_the_same_subjects_on_both_sides():
  names = ['S001C001P001R001A001', 'S001C002P001R001A001']
  splits = {'xview_train': names[:1], 'xview_val': names[1:]}
  splits = {split: tuple(ids) for split, ids in splits.items()}
  assert found(named(names, [0, 0]), splits) == []
  assert found(named(names, [0, 0]), splits, group_by='ntu')
