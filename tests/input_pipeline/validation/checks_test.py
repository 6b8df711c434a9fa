"""Every check finds a planted problem, and finds nothing in correct data."""

import dataclasses
import re

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.frame_size import size_notes
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import PoseSource, PotionClip, PotionSource
from input_pipeline.skeletons.registry import SKELETONS
from input_pipeline.validation.split_checks import split_pairs
from input_pipeline.validation.validate import validate

CLASSES = ('run', 'jump')


def source_of(clips, splits=None, class_names=CLASSES, multi_label=False):
  """A source of the clips; a clip that is an exception is raised on loading."""

  def load(video_id):
    if isinstance(clips[video_id], Exception):
      raise clips[video_id]
    return clips[video_id]

  return PoseSource(
    skeleton=SKELETONS['coco_17'],
    class_names=class_names,
    splits=splits or {'train': tuple(clips)},
    load=load,
    multi_label=multi_label,
  )


@pytest.fixture
def good(make_clip):
  """Six clips per class; each clip moves differently."""
  rng = np.random.default_rng(0)
  clips = {}
  for index in range(12):
    clip = make_clip(f'clip{index}', label=index % 2)
    motion = rng.uniform(-3, 3, (clip.num_frames, 1, 1, 2))
    clips[clip.video_id] = dataclasses.replace(clip, keypoints=clip.keypoints + motion)
  return clips


def findings(source, known_pairs=()):
  """(severity, check, clips) for all findings."""
  validation = validate(source, known_pairs, progress=lambda line: None)
  return [(f.severity, f.check, f.clips) for f in validation.findings]


def message(source, check, known_pairs=()):
  (found,) = (
    finding.message
    for finding in validate(source, known_pairs, progress=lambda line: None).findings
    if finding.check == check
  )
  return found


def changed(clip, **fields):
  return dataclasses.replace(clip, **fields)


def test_nothing_is_wrong(good):
  assert findings(source_of(good)) == []


def test_a_clip_that_cannot_be_loaded(good):
  broken = good | {'torn': PoseDataError("clip 'torn': keypoints hold nan")}
  source = source_of(broken)
  assert findings(source) == [('error', 'broken_clip', ('torn',))]
  assert message(source, 'broken_clip') == "clip 'torn': keypoints hold nan"
  assert findings(source_of(good | {'gone': FileNotFoundError('gone')})) == [
    ('error', 'broken_clip', ('gone',))
  ]


def test_a_clip_in_training_and_test(good):
  splits = {'train1': tuple(good)[:8], 'test1': tuple(good)[7:], 'test2': tuple(good)}
  source = source_of(good, splits)
  assert findings(source) == [('error', 'clip_in_two_splits', ('clip7',))]
  # Pairs from the data set's protocol take precedence over names.
  assert findings(source, [('test1', 'test2')]) == [
    ('error', 'clip_in_two_splits', tuple(good)[7:])
  ]


@pytest.mark.parametrize(
  ('names', 'pairs'),
  [
    (('train', 'test'), [('train', 'test')]),
    (('train', 'val', 'test'), [('train', 'test'), ('train', 'val')]),
    (('train1', 'test1', 'test2'), [('train1', 'test1')]),
    (('xsub_train', 'xsub_val'), [('xsub_train', 'xsub_val')]),
    (('all', 'test'), []),
  ],
)
def test_pairs_by_name(names, pairs):
  assert split_pairs(names) == pairs


def test_pairs_of_a_protocol_that_are_there():
  known = [('train1', 'test1'), ('train2', 'test2')]
  assert split_pairs(('train1', 'test1', 'train2'), known) == [('train1', 'test1')]


def test_splits_without_a_clip_that_can_be_used(good):
  empty = changed(good['clip0'], scores=np.zeros((6, 1, 17)), video_id='empty')
  clips = good | {'empty': empty, 'torn': PoseDataError('torn')}
  splits = {'a': tuple(good), 'b': ('empty', 'torn'), 'c': ()}
  assert findings(source_of(clips, splits)) == [
    ('error', 'broken_clip', ('torn',)),
    ('error', 'unusable_split', ()),
    ('warning', 'empty_split', ()),
    ('warning', 'empty_clip', ('empty',)),
  ]


def test_labels_that_mean_no_class(good):
  good['clip3'] = changed(good['clip3'], labels=(2,))
  good['clip5'] = changed(good['clip5'], labels=(-1,))
  source = source_of(good)
  assert findings(source)[0] == ('error', 'label_out_of_range', ('clip3', 'clip5'))
  assert "the 2 classes, 0..1: 'clip3' has [2]" in message(source, 'label_out_of_range')


def test_labels_that_are_missing_or_too_many(good):
  clips = good | {
    name: changed(
      good['clip0'],
      video_id=name,
      labels=labels,
      keypoints=good['clip0'].keypoints + len(name),
    )
    for name, labels in {'none': (), 'several': (0, 1)}.items()
  }
  assert findings(source_of(clips)) == [
    ('error', 'several_labels', ('several',)),
    ('warning', 'no_label', ('none',)),
  ]
  assert findings(source_of(clips, multi_label=True)) == []


def test_nothing_is_labelled_in_clips_to_predict_on(good):
  clips = {name: changed(clip, labels=()) for name, clip in good.items()}
  assert findings(source_of(clips)) == []


def test_rare_classes(good):
  few = {name: good[name] for name in list(good)[:8]}
  source = source_of(few, class_names=('run', 'jump', 'fly'))
  assert [check for _, check, _ in findings(source)] == ['rare_class', 'rare_class']
  messages = [f.message for f in validate(source, progress=lambda line: None).findings]
  assert messages == [
    'classes with no clip: fly',
    'classes with few clips: run (4), jump (4)',
  ]


def test_short_clips(good):
  short = good['clip4']
  good['clip4'] = changed(short, keypoints=short.keypoints[:2], scores=short.scores[:2])
  assert findings(source_of(good)) == [('warning', 'short_clip', ('clip4',))]


def test_the_same_poses_twice(good):
  good['clip9'] = changed(good['clip1'], video_id='clip9')
  good['clip10'] = changed(good['clip2'], video_id='clip10')
  splits = {'train': tuple(good)[:10], 'test': tuple(good)[10:]}
  source = source_of(good, splits)
  assert findings(source) == [
    ('warning', 'same_poses', ('clip1', 'clip9', 'clip2', 'clip10'))
  ]
  assert message(source, 'same_poses').startswith(
    '2 poses have several ids, such as clip1 = clip9 (1 in both training and test);'
  )


def test_a_joint_that_is_always_missing(good):
  nose = SKELETONS['coco_17'].joints.index('nose')
  for name, clip in good.items():
    scores = clip.scores.copy()
    scores[:, :, nose] = 0
    good[name] = changed(clip, scores=scores)
  source = source_of(good)
  assert findings(source) == [('warning', 'missing_joint', ())]
  assert message(source, 'missing_joint') == (
    "nose: always missing; is the skeleton really 'coco_17'?"
  )


def test_much_outside_the_frame(good):
  good['clip2'] = changed(good['clip2'], keypoints=good['clip2'].keypoints - 60)
  assert ('warning', 'outside_frame', ('clip2',)) in findings(source_of(good))


@pytest.mark.parametrize(
  ('scale', 'frame_size', 'says'),
  [
    (1 / 120, (120, 100), r'as if divided by the size; they must be pixels'),
    (1, (60, 60), r'lie outside; is that the right size'),
    (1, (480, 640), r'no joint lies beyond x = 7\d, y = 11\d; were the poses found in'),
  ],
)
def test_doubtful_frame_sizes(good, scale, frame_size, says):
  clips = {
    name: changed(clip, keypoints=clip.keypoints * scale, frame_size=frame_size)
    for name, clip in good.items()
  }
  assert re.search(says, message(source_of(clips), 'frame_size'))


def test_height_and_width_that_changed_places(make_clip):
  """Poses with height 120 in 70 x 125 frames; moved in x, they would fit 125 x 70."""
  clips = {}
  for index in range(12):
    clip = make_clip(f'clip{index}', label=index % 2)
    keypoints = clip.keypoints - [25, 0] + 0.1 * index
    clips[clip.video_id] = changed(clip, keypoints=keypoints, frame_size=(70, 125))
  said = message(source_of(clips), 'frame_size')
  assert said.startswith('frames 125 wide, 70 high: ')
  assert 'but 0% if frames are 70 wide, 125 high; if height and width' in said


def test_a_single_clip_whose_height_and_width_changed_places(make_clip):
  """Its joints are too few for a doubt about all frames."""
  clips = {}
  for index in range(30):
    clip = make_clip(f'clip{index}', label=index % 2)
    keypoints = 0.5 * clip.keypoints + 0.1 * index
    if not index:
      keypoints += np.float32([45, 0])
    clips[clip.video_id] = changed(clip, keypoints=keypoints, frame_size=(100, 70))
  found = findings(source_of(clips))
  assert [clips for _, kind, clips in found if kind == 'frame_size'] == [('clip0',)]
  assert 'frames are 100 wide, 70 high' in message(source_of(clips), 'frame_size')


def test_an_exchanged_size_is_one_warning_though_each_clip_notes_it(make_clip):
  clip = make_clip('clip', label=0)
  keypoints = 0.5 * clip.keypoints + [45, 0]
  clip = changed(clip, keypoints=keypoints, frame_size=(100, 70))
  notes = size_notes(clip.keypoints, clip.scores, clip.frame_size, None)
  assert notes
  noted = dataclasses.replace(clip, notes=notes)
  assert findings(source_of({'clip': noted})) == findings(source_of({'clip': clip}))


def test_sides_of_some_frames_of_a_half_and_of_all(good, swap):
  clips = dict(good)
  clips['clip0'] = swap(good['clip0'], frames=slice(3, 6))
  clips['clip1'] = swap(good['clip1'], 'hip', 'knee', 'ankle')
  clips['clip2'] = swap(good['clip2'])
  assert findings(source_of(clips)) == [
    ('warning', 'sides_exchange', ('clip0',)),
    ('warning', 'sides_twist', ('clip1',)),
    ('warning', 'sides_face', ('clip2',)),
  ]


def test_a_clip_seen_from_another_side_than_its_class(good, swap, make_clip):
  """Eyes have low scores, so that the other clips are the only evidence."""
  clips = {
    f'clip{i}': changed(
      make_clip(f'clip{i}', score=0.3), keypoints=make_clip().keypoints + 0.1 * i
    )
    for i in range(10)
  }
  clips['clip7'] = swap(clips['clip7'])
  source = source_of(clips, class_names=('run',))
  assert findings(source) == [('warning', 'sides_minority', ('clip7',))]
  assert message(source, 'sides_minority').startswith("class 'run': seen from behind")


def test_every_clip_seen_from_behind(swap, make_clip):
  clips = {
    f'clip{i}': swap(
      changed(
        make_clip(f'clip{i}', score=0.3), keypoints=make_clip().keypoints + i / 10
      )
    )
    for i in range(20)
  }
  source = source_of(clips, class_names=('run',))
  assert findings(source) == [('warning', 'sides_all', ())]
  assert message(source, 'sides_all').startswith('20 of the 20 clips')


def test_a_clip_of_several_splits_is_loaded_once(good):
  loaded = []
  source = source_of(good, {'train': tuple(good), 'all': tuple(good)})
  counting = dataclasses.replace(
    source, load=lambda video_id: loaded.append(video_id) or good[video_id]
  )
  assert findings(counting) == []
  assert sorted(loaded) == sorted(good)


def test_ready_maps_pass_all_checks_but_those_on_positions():
  coco = SKELETONS['coco_17']

  def load(video_id):
    return PotionClip(video_id, np.zeros((17, 4, 5, 3)), 2, coco, labels=(7,))

  splits = {'train': ('a', 'b'), 'test': ('b',)}
  source = PotionSource(coco, ('run',), splits, load, settings={})
  assert findings(source) == [
    ('error', 'clip_in_two_splits', ('b',)),
    ('error', 'label_out_of_range', ('a', 'b')),
    ('warning', 'short_clip', ('a', 'b')),
  ]


def test_a_validation_prints_counts_and_findings(good):
  clips = {**good, 'torn': PoseDataError('no frame')}
  lines = str(validate(source_of(clips), progress=lambda line: None)).splitlines()
  assert lines[0].startswith('12 clips loaded, 1 broken: 1 errors, ')
  assert "error: clip 'torn': no frame" in lines


def test_what_readers_noted(good):
  note = Note('large_scores', 'scores go up to 12')
  for name in ('clip0', 'clip3'):
    good[name] = dataclasses.replace(good[name], notes=(note,))
  source = source_of(good)
  source = dataclasses.replace(source, notes=(Note('two_videos', 'split by name'),))
  assert findings(source) == [
    ('warning', 'two_videos', ()),
    ('warning', 'large_scores', ('clip0', 'clip3')),
  ]
