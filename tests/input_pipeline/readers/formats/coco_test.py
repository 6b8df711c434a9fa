"""COCO keypoint annotations: videos in one file, visibility, categories."""

import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import coco
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import SKELETONS, Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())


def image(number: int, file_name: str = '', **more) -> dict:
  return {'id': number, 'file_name': file_name, 'height': 48, 'width': 64, **more}


def annotation(image_id: int, left: int = 2, right: int = 1, **more) -> dict:
  keypoints = [10, 20, left, 30, 40, right]
  return {
    'id': 5,
    'image_id': image_id,
    'category_id': 1,
    'keypoints': keypoints,
    **more,
  }


def content(images, annotations, **more) -> dict:
  return {'images': images, 'annotations': annotations, **more}


@pytest.fixture
def write(tmp_path):
  def write_content(value):
    file = tmp_path / 'all.json'
    file.write_text(json.dumps(value))
    return file

  return write_content


def test_videos_are_folders(write):
  images = [image(7, 'walk/1.jpg'), image(8, 'sit/1.jpg'), image(9, 'walk/3.jpg')]
  file = write(content(images, [annotation(9), annotation(7), annotation(9)]))
  assert coco.videos_in(file) == ('walk', 'sit')
  walk = coco.read_video(file, EYES, 'walk')
  assert (walk.frame_size, list(walk.people)) == ((48, 64), [1, 3])
  assert [len(people) for people in walk.frames((48, 64))] == [1, 2]
  assert walk.people[1].tolist() == [[[10, 20, 1], [30, 40, 0.5]]]
  assert [len(p) for p in coco.read_video(file, EYES, 'sit').people.values()] == [0]


@pytest.mark.parametrize(
  ('images', 'videos', 'names'),
  [
    ([{'video_id': 1, 'frame_id': 4}, {'video_id': 2, 'frame_id': 4}], [], ('1', '2')),
    (
      [{'video_id': 1, 'frame_id': 4}, {'video_id': 2, 'frame_id': 4}],
      [{'id': 1, 'name': 'walk'}],
      ('walk', '2'),
    ),
    ([{'vid_id': '000342', 'frame_id': 4}], [], ('000342',)),
    ([{'file_name': '4.jpg'}], [], ('all',)),
  ],
)
def test_other_names_of_videos(write, images, videos, names):
  images = [{'id': n, **fields} for n, fields in enumerate(images)]
  file = write(content(images, [annotation(0)], videos=videos))
  assert coco.videos_in(file) == names
  poses = coco.read_video(file, EYES, names[0])
  assert list(poses.people) == [4]
  assert poses.frame_size is None


def test_visibility_of_posetrack_is_0_or_1(write):
  file = write(content([image(0, '0.jpg')], [annotation(0, 1, 0)]))
  assert coco.read_video(file, EYES, 'all').people[0][0, :, 2].tolist() == [1, 0]


def test_identities(write):
  annotations = [annotation(0, track_id=3), annotation(0)]
  poses = coco.read_video(write(content([image(0, '0.jpg')], annotations)), EYES, 'all')
  assert [names.tolist() for names in poses.names()] == [[3, -1]]


def test_boxes_without_keypoints_are_no_one(write):
  boxes = [{'id': 1, 'image_id': 0, 'bbox': [1, 2, 3, 4]}]
  poses = coco.read_video(write(content([image(0, '0.jpg')], boxes)), EYES, 'all')
  assert [len(people) for people in poses.people.values()] == [0]


def test_a_changed_file_is_read_again(write):
  write(content([image(0, 'a/0.jpg')], []))
  assert coco.videos_in(write(content([image(0, 'bc/0.jpg')], []))) == ('bc',)


def test_images_that_nobody_labelled_are_no_frames(write):
  # Frame 30 is not listed: it is a frame without people.
  listed = [20, 25, 35, 40, 45]
  images = [
    image(n, f'x/{n}.jpg', frame_id=n, is_labeled=n not in (25, 40)) for n in listed
  ]
  poses = coco.read_video(write(content(images, [annotation(20)])), EYES, 'x')
  assert list(poses.people) == [0, 2, 3]
  assert [note.kind for note in poses.notes] == ['unlabelled_images']
  assert poses.notes[0].message.startswith('2 of 5 images have')


def test_every_image_but_the_labelled_ones_is_left_out(write):
  images = [
    image(n, f'{n}.jpg', vid_id='8', frame_id=n, is_labeled=n % 3 == 0)
    for n in range(9)
  ]
  people = [annotation(0), annotation(3), annotation(6)]
  poses = coco.read_video(write(content(images, people)), EYES, '8')
  assert [len(people) for people in poses.frames((48, 64))] == [1, 1, 1]


def test_no_image_is_labelled(write):
  images = [image(n, f'x/{n}.jpg', is_labeled=False) for n in range(3)]
  with pytest.raises(PoseDataError, match=r"all 3 images of this video have 'is_label"):
    coco.read_video(write(content(images, [])), EYES, 'x')


@pytest.mark.parametrize(
  ('images', 'message'),
  [
    (
      [{'frame_id': 4}, {'frame_id': 4}],
      r'image 0 \(x/0\.jpg\) and image 1 .* frame 4',
    ),
    ([{'frame_id': 4}, {}], r"image 0 \(.*\) has a 'frame_id', but image 1 \(.*\) has"),
    ([{}, {'file_name': 'x/0.jpg'}], r'image 0 .* and image 1 .* are both frame 0'),
    (
      [{'frame_id': 1.5}],
      r'frame_id of image 0 .* is 1\.5, but must be a frame number',
    ),
    ([{'file_name': ''}], r"image 0 has no frame number in 'frame_id' or in"),
    (
      [{'video_id': 3, 'file_name': name} for name in ('n_1', 'n_2', 's_1', 's_2')],
      r"'n_1' and 's_1' have the same video id",
    ),
  ],
)
def test_numbers_that_leave_a_doubt(write, images, message):
  listed = [image(n, f'x/{n}.jpg') | fields for n, fields in enumerate(images)]
  with pytest.raises(PoseDataError, match=message):
    coco.read_video(write(content(listed, [])), EYES, '3')


def test_clips_of_a_file_and_labels_of_a_list(write):
  keypoints = np.full((17, 3), 2).ravel().tolist()
  annotations = [{'id': 1, 'image_id': n, 'keypoints': keypoints} for n in (0, 1)]
  file = write(
    content(
      [image(0, 'walk_01/0.jpg'), image(1, 'sit_01/0.jpg')],
      annotations,
      categories=[
        {'id': 1, 'name': 'person', 'keypoints': list(SKELETONS['coco_17'].joints)}
      ],
    )
  )
  source = read_poses('coco', file, skeleton='coco_17')
  assert source.splits == {'all': ('walk_01', 'sit_01')}
  assert source.load('sit_01').frame_size == (48, 64)
  table = 'id,path,part,label\nwalk_01,all.json,,walk\nb,all.json,sit_01,sit\n'
  (file.parent / 'videos.csv').write_text(table)
  source = read_poses('coco', file.parent, skeleton='coco_17', options=ReadOptions())
  assert source.splits == {'all': ('walk_01', 'b')}
  assert [source.load(v).labels for v in ('walk_01', 'b')] == [(1,), (0,)]


@pytest.mark.parametrize(
  ('value', 'message'),
  [
    ([], r"holds a list, as COCO's results do, .*format 'alphapose'"),
    ({'images': []}, r"all\.json needs 'annotations', but has 'images'"),
    (content([image(0, 'x/a.jpg')], []), r"'x/a\.jpg' has no number in its name"),
    (
      content([image(0, 'x/1.jpg'), image(1, 'x/01.jpg')], []),
      r"'x/1\.jpg' and 'x/01\.jpg' have the same frame number 1",
    ),
    (
      content([image(0, 'x/1.jpg'), image(1, 'x/2.jpg', width=9)], []),
      r'different sizes: 64 wide, 48 high; 9 wide, 48 high; all must be equal',
    ),
    (
      content([image(0, 'x/1.jpg')], [annotation(0, keypoints=[1, 2, 2])]),
      r'annotation 5: keypoints has 1 joints, but skeleton .eyes. has 2',
    ),
    (
      content([image(0, 'x/1.jpg')], [annotation(0, 2, 0.7)]),
      r'annotation 5: keypoints have visibility 0\.7, but it must be 0 .* results',
    ),
    (
      content(
        [image(0, 'x/1.jpg')], [], categories=[{'name': 'p', 'keypoints': ['a']}]
      ),
      r"category 'p': joint 0 is 'a', but joint 0 of skeleton 'eyes' is 'left_eye'",
    ),
    (content([{'file_name': 'x/1.jpg'}], []), r"an image needs 'id'"),
  ],
)
def test_what_is_refused(write, value, message):
  with pytest.raises(PoseDataError, match=message):
    coco.read_video(write(value), EYES, 'x')


def test_a_video_that_is_not_there(write):
  file = write(content([image(0, 'a/1.jpg'), image(1, 'b/1.jpg')], []))
  with pytest.raises(PoseDataError, match=r"no video 'x'; the first of its 2 .* a, b"):
    coco.read_video(file, EYES, 'x')


NAMES = ['left_eye', 'right_eye']


def poses_of(write, annotations, images=None, **more):
  images = images or [image(0, '0.jpg'), image(1, '1.jpg')]
  return coco.read_video(write(content(images, annotations, **more)), EYES, 'all')


def test_ids_of_another_type_are_the_same(write):
  images = [image(0, '0.jpg') | {'id': 4.0}, image(0, '1.jpg') | {'id': '5'}]
  poses = poses_of(write, [annotation(4), annotation('5.0'), annotation(5)], images)
  assert [len(people) for people in poses.people.values()] == [1, 1]
  assert "1 of 3 annotations have an image_id that no image has, the first '5.0'" in (
    poses.notes[0].message
  )


@pytest.mark.parametrize(
  ('images', 'annotations', 'message'),
  [
    ([image(0, '0.jpg')], [annotation(9)], '1 of 1 annotations have an image_id'),
    (
      [image(3, '0.jpg'), image(3, '1.jpg')],
      [],
      r"'0\.jpg' and '1\.jpg' both have .* 3",
    ),
  ],
)
def test_ids_that_fit_nothing_or_two_images(write, images, annotations, message):
  with pytest.raises(PoseDataError, match=message):
    poses_of(write, annotations, images)


def test_missing_joints_and_people_without_joints(write):
  annotations = [
    annotation(0, keypoints=[-1, -1, -1, 30, 40, 2]),
    annotation(0, keypoints=[[None, None, None], [30, 40, 2]]),
    annotation(1, keypoints=[]),
    annotation(1, keypoints=None),
    {'id': 7, 'image_id': 1, 'bbox': [1, 2, 3, 4]},
  ]
  poses = poses_of(write, annotations)
  assert poses.people[0][..., 2].tolist() == [[0, 1], [0, 1]]
  assert len(poses.people[1]) == 0
  assert [note.kind for note in poses.notes] == ['boxes_without_keypoints']


def test_a_category_with_other_joints_is_left_out(write):
  categories = [
    {'id': 1, 'name': 'person', 'keypoints': {'0': 'right_eye', '1': 'left_eye'}},
    {'id': 2, 'name': 'dog', 'keypoints': ['snout', 'tail', 'paw']},
  ]
  dog = annotation(0, category_id=2, keypoints=[1, 2, 2] * 3)
  poses = poses_of(write, [annotation(0), dog], categories=categories)
  assert poses.people[0][:, :, 0].tolist() == [[30, 10]]
  assert {note.kind for note in poses.notes} == {'joint_order', 'categories_left_out'}


@pytest.mark.parametrize(
  'more', [{'instance_id': 3}, {'person_id': 3}, {'attributes': {'track_id': 3}}]
)
def test_identities_under_other_keys(write, more):
  assert poses_of(write, [annotation(0, **more)]).identities[0].tolist() == [3]


@pytest.mark.parametrize(('key', 'value'), [('isLabeled', False), ('is_labeled', 'no')])
def test_other_words_for_unlabelled_images(write, key, value):
  images = [image(0, '0.jpg'), image(1, '1.jpg', **{key: value})]
  assert list(poses_of(write, [annotation(0)], images).people) == [0]


def test_some_images_lack_a_size_and_others_have_whole_floats(write):
  images = [
    image(0, '0.jpg', height=48.0, width=64.0),
    image(1, '1.jpg', height=None, width=None),
  ]
  assert poses_of(write, [annotation(0)], images).frame_size == (48, 64)


def test_all_joints_of_coco_wholebody(write):
  counts = {'foot_kpts': 6, 'face_kpts': 68, 'lefthand_kpts': 21, 'righthand_kpts': 21}
  further = {key: [5, 6, 2] * count for key, count in counts.items()}
  body = annotation(0, keypoints=[1, 2, 2] * 17) | further
  names = list(SKELETONS['coco_17'].joints)
  file = write(
    content([image(0, '0.jpg')], [body], categories=[{'id': 1, 'keypoints': names}])
  )
  for skeleton, last in (('coco_17', 1), ('coco_wholebody_133', 5)):
    source = read_poses('coco', file, skeleton=skeleton)
    assert source.load('all').keypoints[0, 0, -1, 0] == last
