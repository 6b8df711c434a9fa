"""AlphaPose results in their three forms, and OpenPose's COCO results."""

import gzip
import json

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import alphapose
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())


def entry(image_id, *scores: float, x: float = 10, **more) -> dict:
  """An entry as AlphaPose's write_json makes it, with undocumented fields."""
  left, right = scores or (0.5, 0.25)
  return {
    'image_id': image_id,
    'category_id': 1,
    'keypoints': [x, 20, left, x + 20, 40, right],
    'score': 2.9,
    'box': [1, 2, 3, 4],
    **more,
  }


@pytest.fixture
def read(tmp_path):
  def read_content(content):
    (tmp_path / 'v.json').write_text(json.dumps(content))
    return alphapose.read_video(tmp_path / 'v.json', EYES)

  return read_content


def test_people_of_images(read):
  poses = read([entry('3.jpg'), entry('1.jpg'), entry('3.jpg', x=50)])
  assert poses.people[1].tolist() == [[[10, 20, 0.5], [30, 40, 0.25]]]
  assert poses.people[3][:, 0, 0].tolist() == [10, 50]
  # The file omits images without people, so its numbers show no step.
  assert [len(people) for people in poses.frames((48, 64))] == [1, 0, 2]
  assert poses.names() is None


def test_identities_of_trackers(read):
  content = [
    entry('0.jpg', idx=4),
    entry('0.jpg', idx=[2.0, 9.0]),
    entry('0.jpg', idx=[]),
    entry('0.jpg'),
  ]
  (names,) = read(content).names()
  assert names.tolist() == [4, 2, -1, -1]


@pytest.mark.parametrize(
  ('scores', 'expected'),
  [
    ((0.5, 1.0), [0.5, 1]),
    ((0.5, 1.3), [0.5, 1]),  # Heatmap peaks.
    ((0.5, 2.0), [0.5, 1]),
    ((3.0, 1.5), [0.5, 0.25]),  # COCO's models, 0..6.
    ((6.6, 1.5), [1, 0.25]),
    ((0.5, -0.1), [0.5, 0]),
  ],
)
def test_scores(read, scores, expected):
  (people,) = read([entry('0.jpg', *scores)]).frames((48, 64))
  assert people[0, :, 2].tolist() == pytest.approx(expected)


def test_one_high_score_tells_the_scale_of_the_file(read):
  poses = read([entry('0.jpg', 3, 1.5), entry('1.jpg', 0.6, 1.2)])
  assert poses.people[1][0, :, 2].tolist() == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize(
  'frame',
  [
    {'version': 'AlphaPose v0.3', 'people': [{'pose_keypoints_2d': [1, 2, 1] * 2}]},
    {'version': 'AlphaPose v0.3', 'bodies': [{'joints': [1, 2, 1] * 2}]},
  ],
  ids=['open', 'cmu'],
)
def test_other_forms(read, frame):
  poses = read({'7.jpg': frame, '9.jpg': frame})
  assert poses.people[7].tolist() == [[[1, 2, 1]] * 2]
  assert [len(people) for people in poses.frames((48, 64))] == [1, 0, 1]


def test_coco_results_of_openpose(read):
  assert list(read([entry(139), entry(140)]).people) == [139, 140]


def test_folders_of_classes(tmp_path):
  for name in ('sit/a', 'walk/b'):
    (tmp_path / name).mkdir(parents=True)
    file = tmp_path / name / 'alphapose-results.json'
    file.write_text(json.dumps([entry('0.jpg', idx=1)]))
  (tmp_path / 'walk' / 'c.json').write_text(json.dumps([entry('0.jpg')]))
  options = ReadOptions(frame_size=(48, 64))
  with pytest.raises(
    PoseDataError, match=r"clip 'a': .*entry 0: keypoints has 2 joints"
  ):
    read_poses('alphapose', tmp_path, skeleton='coco_17', options=options).load('a')
  source = read_poses('alphapose', tmp_path, skeleton='coco_17', options=options)
  assert source.splits == {'all': ('a', 'b', 'c')}
  assert source.class_names == ('sit', 'walk')


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ([], r'v\.json shows nobody in any frame'),
    (7, r'v\.json must be a list, but is a int'),
    ([{'keypoints': []}], r"v\.json, entry 0 needs 'image_id', but has 'keypoints'"),
    ([{'image_id': '0.jpg'}], r"entry 0 needs 'keypoints'"),
    ([entry('cover.jpg')], r"v\.json: 'cover\.jpg' has no number in its name"),
    ([entry('0.jpg') | {'keypoints': [1, 2]}], r'entry 0: keypoints has shape \[2\]'),
    ({'0.jpg': {'persons': []}}, r"v\.json, 0\.jpg needs 'people' or 'bodies'"),
  ],
)
def test_what_is_refused(read, content, message):
  with pytest.raises(PoseDataError, match=message):
    read(content)


def test_a_missing_score_does_not_hide_the_scale_of_others(read):
  unknown = entry('0.jpg') | {'keypoints': [1, 2, float('nan'), 3, 4, 3.0]}
  poses = read([unknown, entry('1.jpg') | {'keypoints': [1, 2, 6.0, 3, 4, 3.0]}])
  assert poses.people[1][0, :, 2].tolist() == [1, 0.5]


@pytest.mark.parametrize('nothing', [[], None])
def test_a_box_without_joints_is_nobody(read, nothing):
  poses = read([entry('0.jpg'), entry('1.jpg') | {'keypoints': nothing}])
  assert [len(people) for people in poses.people.values()] == [1, 0]


def test_results_under_other_keys(read):
  person = {'keypoints': [10, 20, 0.5, 30, 40, 0.25], 'idx': 7}
  images = [{'id': 4, 'file_name': 'a_0.jpg'}, {'id': 9, 'file_name': 'a_1.jpg'}]
  people = [person | {'image_id': image['id']} for image in images]
  openpose = {'people': [{'pose_keypoints_2d': person['keypoints'], 'person_id': [7]}]}
  for content in (
    {'a_0.jpg': [person], 'a_1.jpg': [person]},
    {'images': images, 'annotations': people},
    [openpose, openpose],
    {'frames': [openpose | {'frame_id': 0}, openpose | {'frame_id': 1}]},
  ):
    poses = read(content)
    assert list(poses.people) == [0, 1]
    assert poses.people[1].tolist() == [[[10, 20, 0.5], [30, 40, 0.25]]]
    assert poses.identities[1].tolist() == [7]


def test_compressed_results_in_a_folder(tmp_path):
  with gzip.open(tmp_path / 'alphapose-results.json.gz', 'wt') as file:
    json.dump([entry('0.jpg')], file)
  assert alphapose.is_video(tmp_path)
  assert len(alphapose.read_video(tmp_path, EYES).people) == 1


def test_several_categories_are_noted(read):
  poses = read([entry('0.jpg') | {'category_id': n} for n in (1, 2)])
  assert [note.kind for note in poses.notes] == ['columns_not_read']
