"""Cutting the clip of one person out of a video, with pixels worked by hand."""

import dataclasses

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.person_clip import (
  PersonClipSettings,
  VideoPoses,
  follow,
  person_clip,
)
from input_pipeline.skeletons.other_people import with_others
from input_pipeline.skeletons.registry import Skeleton

# The two joints are opposite corners, so that a person's box is as large as the person.
CORNERS = Skeleton('corners', ('left_top', 'right_bottom'), (), pairs=())
BOTH = with_others(CORNERS)
# Clips of three frames, one second apart.
SECONDS = PersonClipSettings(seconds=1, frames_per_second=1, margin=0.25)


def person(x, y, side=10.0):
  return [[x, y], [x + side, y + side]]


def video(frames, frames_per_second=1.0, start=900.0) -> VideoPoses:
  """Poses in 100 × 200 frames (height × width); None is a missing person."""
  none = [[0, 0], [0, 0]]
  keypoints = np.array(
    [[none if p is None else p for p in people] for people in frames]
  )
  there = np.array([[p is not None for p in people] for people in frames], float)
  scores = np.repeat(there[..., None], 2, axis=2) * 0.5
  clip = PoseClip('v', keypoints, scores, (100, 200), CORNERS)
  return VideoPoses(clip, frames_per_second, start)


def crop(of_video, box=(0.2, 0.4, 0.3, 0.6), time=901.0, skeleton=CORNERS, **changes):
  """By default, the box covers pixels 40..60 in x and in y."""
  return person_clip(
    of_video,
    np.array(box),
    time,
    video_id='v,0901,...',
    labels=(3,),
    skeleton=skeleton,
    settings=dataclasses.replace(SECONDS, **changes),
  )


STANDS = video([[person(45, 45)]] * 3)


def test_the_frame_is_a_square_around_the_box():
  clip = crop(STANDS)
  # 20 pixels plus a quarter on each side: from 35 to 65, measured from the border.
  assert clip.frame_size == (30, 30)
  assert clip.keypoints.shape == (3, 1, 2, 2)
  assert clip.keypoints[:, 0].tolist() == [[[10, 10], [20, 20]]] * 3
  assert (clip.video_id, clip.labels) == ('v,0901,...', (3,))


def test_a_person_is_not_distorted_by_a_narrow_box():
  # 20 × 60 pixels (width × height) from (40, 20): a square with side 90 about (50, 50).
  clip = crop(STANDS, (0.2, 0.2, 0.3, 0.8), least_overlap=0)
  assert clip.frame_size == (90, 90)
  assert clip.keypoints[0, 0].tolist() == [[40, 40], [50, 50]]


def test_crops_end_at_pixel_borders_and_not_at_centres():
  # The box is exactly pixel (40, 40), whose centre becomes the crop's only pixel centre.
  clip = crop(
    video([[person(35, 35)]] * 3), (0.2, 0.4, 0.205, 0.41), margin=0, least_overlap=0
  )
  assert clip.frame_size == (1, 1)
  assert clip.keypoints[0, 0, 0].tolist() == [-5, -5]


def test_frames_are_taken_at_the_seconds_of_the_movie():
  moving = video([[person(40 + frame / 4, 40, 20)] for frame in range(60)], 10.0)
  # 901.0 s is frame 10; at 4 per second, half a second each way: frames 5, 7.5, 10, ...
  clip = crop(moving, seconds=0.5, frames_per_second=4)
  x = clip.keypoints[:, 0, 0, 0] + 35
  assert (4 * (x - 40)).tolist() == [5, 8, 10, 13, 15]  # Halves round up.


def test_a_time_outside_the_video_is_refused():
  whole_movie = dataclasses.replace(STANDS, start=0.0)
  assert crop(whole_movie, time=1.0).scores.all()
  with pytest.raises(
    PoseDataError, match=r'would be at frame 901, but there are 3, from'
  ):
    crop(whole_movie, time=901.0)


def test_the_person_is_missing_outside_the_video():
  clip = crop(STANDS, time=900.0)
  assert clip.scores.tolist() == [[[0, 0]], [[0.5, 0.5]], [[0.5, 0.5]]]


def test_the_person_in_the_box_comes_first_and_is_tracked():
  # The second person is in the box; both change places in the last frame.
  frames = [
    [person(80, 45), person(43, 45)],
    [person(80, 45), person(45, 45)],
    [person(47, 45), person(80, 45)],
  ]
  clip = crop(video(frames))
  assert (clip.keypoints[:, 0, 0, 0] + 35).tolist() == [43, 45, 47]


def test_others_that_come_into_view_have_joints_of_their_own():
  # One person is far away; one stays beside the box and is half in view in the last
  # frame; one is in the box; one is missing.
  frames = [
    [person(120, 45), person(70, 45), person(45, 45), None],
    [person(120, 45), person(68, 45), person(45, 45), None],
    [person(120, 45), person(60, 45), person(45, 45), None],
  ]
  clip = crop(video(frames), skeleton=BOTH)
  assert clip.keypoints.shape == (3, 1, 4, 2)
  assert (clip.keypoints[:, 0, 0, 0] + 35).tolist() == [45, 45, 45]
  assert (clip.keypoints[:, 0, 2, 0] + 35).tolist() == [70, 68, 60]
  assert (clip.scores == 0.5).all()
  alone = crop(video(frames))
  assert alone.keypoints.tolist() == clip.keypoints[:, :, :2].tolist()


def test_nobody_in_the_box_leaves_the_others():
  clip = crop(video([[person(60, 45)]] * 3), (0.2, 0.4, 0.29, 0.6), skeleton=BOTH)
  assert clip.scores.tolist() == [[[0, 0, 0.5, 0.5]]] * 3
  assert not crop(video([[person(60, 45)]] * 3), (0.2, 0.4, 0.29, 0.6)).scores.any()


def test_tracking_continues_after_a_frame_without_a_pose():
  seen = STANDS.clip
  keypoints = np.repeat(seen.keypoints[:1], 5, axis=0)
  scores = np.full((5, 1, 2), 0.5)
  scores[3] = 0
  box = np.array([45.0, 45, 55, 55])
  assert follow(keypoints, scores, box, 0.2).tolist() == [0, 0, 0, -1, 0]


def test_a_pose_too_far_from_the_last_pose_is_another_person():
  keypoints = np.array([[person(45, 45)]] * 5)
  keypoints[3:] += 8  # Intersection over union: 2 · 2 / 196.
  scores = np.full((5, 1, 2), 0.5)
  box = np.array([45.0, 45, 55, 55])
  assert follow(keypoints, scores, box, 0.2).tolist() == [0, 0, 0, -1, -1]
  assert follow(keypoints, scores, box, 0.02).tolist() == [0, 0, 0, 0, 0]


@pytest.mark.parametrize('box', [(0.3, 0.4, 0.2, 0.6), (40, 40, 60, 60)])
def test_an_invalid_box_is_refused(box):
  with pytest.raises(
    PoseDataError, match=r"clip 'v,0901,\.\.\.': its box .* shares of"
  ):
    crop(STANDS, box)


def test_settings_that_make_no_sense_are_refused():
  with pytest.raises(ValueError, match=r'frames_per_second 0 .* above 0'):
    PersonClipSettings(frames_per_second=0)
