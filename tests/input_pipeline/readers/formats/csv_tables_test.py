"""Tables of joints in pixels, from the file to clips."""

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import get_skeleton

COCO = get_skeleton('coco_17').joints
SIZE = (480, 640)
# Frame t, joint j.
POSITIONS = np.array(
  [[[50 + 9 * j + t, 400 - 5 * j] for j in range(17)] for t in (0, 1)]
)


def wide(joints=COCO, axes='xy', scores=''):
  """A header and a row per frame."""
  header = [f'{j}_{a}' for j in joints for a in axes]
  places = [COCO.index(j) for j in joints]
  rows = [frame[places].ravel().tolist() for frame in POSITIONS]
  return header, rows


def write(path, header, rows):
  path.write_text('\n'.join(','.join(map(str, row)) for row in [header, *rows]))


def opened(path, skeleton='coco_17', format='csv', **options):
  return read_poses(
    format, path, skeleton=skeleton, options=ReadOptions(frame_size=SIZE, **options)
  )


@pytest.mark.parametrize('skeleton', ['coco_17', None])
@pytest.mark.parametrize('joints', [COCO, COCO[::-1], (*COCO[3:], *COCO[:3])])
def test_a_row_per_frame_by_names(tmp_path, joints, skeleton):
  write(tmp_path / 'v.csv', *wide(joints))
  source = opened(tmp_path, skeleton, format='table')
  clip = source.load('v')
  assert clip.skeleton.name == 'coco_17'
  np.testing.assert_array_equal(clip.keypoints[:, 0], POSITIONS)
  kinds = [] if joints == COCO else ['joint_order']
  assert [note.kind for note in clip.notes] == kinds


def test_a_row_per_joint(tmp_path):
  rows = [
    [t, joint, *POSITIONS[t, j], 0.25 * t + 0.5]
    for t in (0, 1)
    for j, joint in reversed(list(enumerate(COCO)))
  ]
  write(tmp_path / 'v.csv', ['frame', 'keypoint', 'x', 'y', 'likelihood'], rows)
  clip = opened(tmp_path, None).load('v')
  np.testing.assert_array_equal(clip.keypoints[:, 0], POSITIONS)
  np.testing.assert_array_equal(clip.scores[:, 0, 4], [0.5, 0.75])


def test_scores_flags_and_missing_cells(tmp_path):
  header = [f'{joint}_{a}' for joint in COCO for a in ('x', 'y', 'v')]
  row = [v for x, y in POSITIONS[0].tolist() for v in (x, y, 2)]
  row[2], row[5], row[6], row[11] = 1, 0, '', ''
  write(tmp_path / 'v.csv', header, [row])
  scores = opened(tmp_path).load('v').scores[0, 0]
  np.testing.assert_array_equal(scores, [0.5, 0, 0, 0, *[1] * 13])


def test_people_keep_their_identities(tmp_path):
  header, rows = wide()
  far = [x + 300 if i % 2 == 0 else x for i, x in enumerate(rows[0])]
  # They change places, so boxes alone would mistake one for the other.
  table = [[0, 7, *rows[0]], [0, 9, *far], [1, 7, *far], [1, 9, *rows[0]]]
  write(tmp_path / 'v.csv', ['frame', 'track_id', *header], table)
  keypoints = opened(tmp_path).load('v').keypoints
  assert keypoints.shape[:2] == (2, 2)
  assert sorted(keypoints[:, :, 0, 0].T.tolist()) == [[50, 350], [350, 50]]


def test_classes_splits_and_videos(tmp_path):
  header, rows = wide()
  table = [
    [video, split, label, n, *row]
    for video, split, label in (('a', 'train', 'nod'), ('b', 'test', 'bow'))
    for n, row in enumerate(rows)
  ]
  write(tmp_path / 'v.csv', ['video', 'split', 'class', 'frame', *header], table)
  source = opened(tmp_path)
  assert source.splits == {'train': ('a',), 'test': ('b',)}
  assert source.class_names == ('bow', 'nod')
  assert (source.load('a').labels, source.load('b').labels) == ((1,), (0,))
  assert [note.kind for note in source.notes] == ['split_table']
  np.testing.assert_array_equal(source.load('b').keypoints[:, 0], POSITIONS)


def test_a_folder_gives_the_class_of_a_table_without_one(tmp_path):
  for label in ('nod', 'bow'):
    (tmp_path / label).mkdir()
    write(tmp_path / label / f'{label}_1.csv', *wide())
  header, rows = wide()
  write(tmp_path / 'nod' / 'x.csv', ['class', *header], [['sit', *row] for row in rows])
  source = opened(tmp_path)
  assert source.class_names == ('bow', 'nod', 'sit')
  assert source.class_names[source.load('x').labels[0]] == 'sit'


def test_the_frame_size_and_fractions(tmp_path):
  header, rows = wide()
  table = [[480, 640, *(np.array(row) / 640).tolist()] for row in rows]
  write(tmp_path / 'v.csv', ['height', 'width', *header], table)
  with pytest.raises(
    PoseDataError, match=r"clip 'v': all positions lie in .*normalized"
  ):
    read_poses('csv', tmp_path).load('v')
  clip = read_poses('csv', tmp_path, options=ReadOptions(normalized=True)).load('v')
  assert clip.frame_size == SIZE
  np.testing.assert_allclose(clip.keypoints[0, 0, :, 0], POSITIONS[0, :, 0] - 0.5)
  table = [[480 + n, 640, *row] for n, row in enumerate(rows)]
  write(tmp_path / 'v.csv', ['height', 'width', *header], table)
  with pytest.raises(PoseDataError, match=r'height and width have .*the same in all'):
    opened(tmp_path).load('v')


@pytest.mark.parametrize(
  ('columns', 'rows', 'message'),
  [
    (['frame'], [[3], [3]], r'frame 3 comes twice, in lines 2 and 3; .*column person'),
    (
      ['frame', 'person'],
      [[3, 'a'], [3, 'a']],
      r'frame 3 of person a comes twice, in lines 2 and 3',
    ),
  ],
)
def test_a_frame_that_comes_twice(tmp_path, columns, rows, message):
  header, values = wide()
  table = [[*row, *of] for row, of in zip(rows, values, strict=True)]
  write(tmp_path / 'v.csv', [*columns, *header], table)
  with pytest.raises(PoseDataError, match=message):
    opened(tmp_path).load('v')


def test_a_joint_that_comes_twice(tmp_path):
  rows = [[0, joint, 50, 60] for joint in (*COCO, 'nose')]
  write(tmp_path / 'v.csv', ['frame', 'joint', 'x', 'y'], rows)
  with pytest.raises(PoseDataError, match=r'frame 0 comes twice, in lines 2 and 19'):
    opened(tmp_path).load('v')


def test_a_list_may_name_the_videos_of_a_table(tmp_path):
  header, rows = wide()
  table = [[v, n, *row] for v in 'ab' for n, row in enumerate(rows)]
  write(tmp_path / 'all.csv', ['video', 'frame', *header], table)
  (tmp_path / 'videos.csv').write_text('id,path,label\nb,all.csv,nod\nc,all.csv,bow\n')
  source = opened(tmp_path)
  assert source.load('b').num_frames == 2
  with pytest.raises(PoseDataError, match=r"no video 'c'; the first of its 2 videos"):
    source.load('c')


def test_the_skeleton_must_be_known(tmp_path):
  write(tmp_path / 'v.csv', ['x0', 'y0'], [[3, 4]])
  with pytest.raises(PoseDataError, match=r'name the skeleton'):
    opened(tmp_path, None)


@pytest.mark.parametrize(
  ('ids', 'kinds'),
  [(('', ''), []), (('-1', '-1'), []), (('0', '0'), ['shared_identity'])],
)
def test_people_without_an_identity_of_their_own(tmp_path, ids, kinds):
  header, rows = wide()
  far = [x + 300 if i % 2 == 0 else x for i, x in enumerate(rows[0])]
  table = [
    [t, name, *row]
    for t in (0, 1)
    for name, row in zip(ids, (rows[t], far), strict=True)
  ]
  write(tmp_path / 'v.csv', ['frame', 'track_id', *header], table)
  clip = opened(tmp_path).load('v')
  assert sorted(clip.keypoints[1, :, 0, 0].tolist()) == [51, 350]
  assert [note.kind for note in clip.notes] == kinds


@pytest.mark.parametrize(
  'times',
  [
    ('10:00:59,98', '10:01:00,02'),
    ('2031-02-03 10:00:59.980000', '2031-02-03 10:01:00.020000'),
    ('99.98', '100.02'),
  ],
)
def test_times_order_the_rows(tmp_path, times):
  header, rows = wide()
  lines = [
    f'"{time}",{",".join(map(str, row))}' for time, row in zip(times, rows, strict=True)
  ]
  text = '\n'.join([','.join(['timestamp', *header]), *reversed(lines)])
  (tmp_path / 'v.csv').write_text(text)
  clip = opened(tmp_path).load('v')
  np.testing.assert_array_equal(clip.keypoints[:, 0], POSITIONS)
  assert [note.kind for note in clip.notes] == ['rows_sorted']


def test_repeated_headers(tmp_path):
  header, rows = wide()
  lines = [['frame', *header], [3, *rows[0]], ['frame', *header], [4, *rows[1]]]
  write(tmp_path / 'v.csv', lines[0], lines[1:])
  np.testing.assert_array_equal(opened(tmp_path).load('v').keypoints[:, 0], POSITIONS)
  write(tmp_path / 'v.csv', header, [rows[0], header, rows[1]])
  with pytest.raises(PoseDataError, match=r'line 3 repeats the names of the columns'):
    opened(tmp_path).load('v')


def test_third_coordinates_and_lengths(tmp_path):
  header, rows = wide(axes='xyz')
  rows = [[v for x, y in frame for v in (x, y, 7)] for frame in POSITIONS.tolist()]
  write(tmp_path / 'v.csv', header, rows)
  assert [n.kind for n in opened(tmp_path).load('v').notes] == ['depth_dropped']
  write(tmp_path / 'v.csv', [f'{name} [mm]' for name in header], rows)
  with pytest.raises(PoseDataError, match=r'column nose_x \[mm\] is in mm'):
    opened(tmp_path).load('v')


def test_pixels_are_preferred_and_scores_have_several_words(tmp_path):
  axes = ('x_norm', 'y_norm', 'x_px', 'y_px', 'confidence_score')
  header = [f'{joint}_{a}' for joint in COCO for a in axes]
  rows = [
    [v for x, y in frame for v in (x / 640, y / 480, x, y, 0.75)]
    for frame in POSITIONS.tolist()
  ]
  write(tmp_path / 'v.csv', header, rows)
  clip = opened(tmp_path).load('v')
  np.testing.assert_array_equal(clip.keypoints[:, 0], POSITIONS)
  assert (clip.scores == 0.75).all()
  assert [note.kind for note in clip.notes] == ['columns_not_read']
