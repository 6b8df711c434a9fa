"""Joining poses to an annotation: names that match, and videos without poses."""

import dataclasses
import logging
import pathlib

import numpy as np
import pytest

from input_pipeline.annotations.annotation import Annotation, annotated
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip, Segment
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import PoseSource, PotionClip, PotionSource
from input_pipeline.skeletons.registry import Skeleton

DOT = Skeleton('dot', ('nose',), ())


def source_of(*names, skeleton=DOT):
  """Poses whose x is the video's position in `names`; without classes."""

  def load(name):
    keypoints = np.full((2, 1, skeleton.num_joints, 2), names.index(name))
    return PoseClip(name, keypoints, np.ones(keypoints.shape[:3]), (9, 9), skeleton)

  return PoseSource(skeleton, (), {'all': names}, load)


def annotation_of(labels, **fields):
  splits = {'train': tuple(labels)[:-1], 'test': tuple(labels)[-1:]}
  of_videos = {name: (label,) for name, label in labels.items()}
  where = pathlib.Path('lists')
  return Annotation(where, ('sit', 'stand'), splits, of_videos, **fields)


def test_clips_get_classes_splits_and_labels():
  segments = {'b': (Segment(1, 0.5, 2.0),)}
  annotation = annotation_of({'b': 1, 'a': 0}, segments=segments)
  source = annotated([source_of('a', 'b', 'c')], annotation)
  assert source.class_names == ('sit', 'stand')
  assert source.splits == {'train': ('b',), 'test': ('a',)}  # c is in no split.
  assert not source.multi_label
  clip = source.load('b')
  assert (clip.video_id, clip.labels, clip.segments) == ('b', (1,), segments['b'])
  assert clip.keypoints[0, 0, 0, 0] == 1
  assert source.load('a').segments == ()


def test_poses_are_found_under_other_names_and_in_folders():
  names = {'b': ('video_b', 'bb'), 'a': ('video_a',)}
  annotation = annotation_of({'b': 1, 'a': 0}, other_names=names)
  source = annotated([source_of('jump/x', 'jump/bb', 'video_a')], annotation)
  assert source.load('b').video_id == 'b'
  assert source.load('b').keypoints[0, 0, 0, 0] == 1
  assert source.load('a').keypoints[0, 0, 0, 0] == 2


def test_a_name_in_two_folders_is_not_guessed():
  annotation = annotation_of({'b': 1, 'a': 0})
  with pytest.raises(
    PoseDataError, match=r"none of the 1 videos of split 'test' .* a,"
  ):
    annotated([source_of('x/a', 'y/a', 'b')], annotation)
  # A full name is never ambiguous.
  source = annotated([source_of('a', 'x/a', 'b')], annotation)
  assert source.load('a').keypoints[0, 0, 0, 0] == 0


def test_several_sources_are_combined():
  annotation = annotation_of({'b': 1, 'a': 0})
  source = annotated([source_of('a'), source_of('c', 'b')], annotation)
  assert source.load('a').keypoints[0, 0, 0, 0] == 0
  assert source.load('b').keypoints[0, 0, 0, 0] == 1


def test_maps_keep_their_kind():
  def load(name):
    return PotionClip(name, np.ones((1, 2, 2, 3)), 5, DOT, (7,))

  potion = PotionSource(DOT, (), {'all': ('a', 'b')}, load, {'channels': 3})
  annotation = annotation_of({'b': 1, 'a': 0})
  source = annotated([potion], annotation)
  assert isinstance(source, PotionSource)
  assert source.settings == {'channels': 3}
  assert source.load('a').labels == (0,)
  with pytest.raises(PoseDataError, match='only be combined if all hold poses'):
    annotated([potion, potion], annotation)


def test_missing_videos_are_counted_and_named():
  annotation = annotation_of(dict.fromkeys('abcdefgh', 0) | {'z': 1})
  source = annotated([source_of('a', 'z')], annotation)
  assert [note.message for note in source.notes] == [
    "7 of 8 videos of split 'train' in lists have no poses: b, c, d, e, f, …"
  ]
  assert source.splits['train'] == tuple('abcdefgh')  # Loading each reports its name.
  with pytest.raises(PoseDataError, match=r"clip 'c': there are no poses .* lists"):
    source.load('c')


@pytest.mark.parametrize(
  ('sources', 'message'),
  [
    ([source_of('x')], r"none of the 1 videos of split 'train' in lists .* b, .*ed x"),
    ([source_of('a', 'b'), source_of('b')], r"two sources have a clip 'b'"),
    (
      [source_of('a'), source_of('b', skeleton=Skeleton('two', ('nose', 'chin'), ()))],
      r"skeletons 'dot' and 'two', but need the same skeleton",
    ),
  ],
)
def test_sources_that_do_not_fit(sources, message):
  with pytest.raises(PoseDataError, match=message):
    annotated(sources, annotation_of({'b': 1, 'a': 0}))


def test_notes_of_the_files_come_with_the_poses():
  bad, odd = Note('faulty_annotations', 'line 3'), Note('odd', 'poses')
  poses = dataclasses.replace(source_of('a', 'b'), notes=(odd,))
  source = annotated([poses], annotation_of({'b': 1, 'a': 0}, notes=(bad,)))
  assert source.notes == (odd, bad)


def test_maps_have_no_notes_so_they_are_logged(caplog):
  maps = PotionSource(DOT, (), {'all': ('a', 'b')}, lambda name: None, {})
  bad = Note('faulty_annotations', 'line 3')
  with caplog.at_level(logging.WARNING):
    annotated([maps], annotation_of({'b': 1, 'a': 0}, notes=(bad,)))
  assert caplog.messages == ['line 3']
