"""DeepLabCut's tables: .csv by hand, .h5 in the layout that pandas writes."""

import gzip
import pickle

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import deeplabcut
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())

ONE = """scorer,net,net,net,net,net,net
bodyparts,left_eye,left_eye,left_eye,right_eye,right_eye,right_eye
coords,x,y,likelihood,x,y,likelihood
0,10.5,20.5,0.9,30,40,0.8
1,11.5,21.5,0.9,,,
2,12.5,22.5,0.02,32,42,0.7
"""
TWO = """scorer,net,net,net,net,net,net,net,net
individuals,ann,ann,ann,ann,ben,ben,ben,ben
bodyparts,left_eye,left_eye,right_eye,right_eye,left_eye,left_eye,right_eye,right_eye
coords,x,y,x,y,x,y,x,y
4,10,20,30,40,50,60,70,80
5,,,,,51,61,71,81
"""


@pytest.fixture
def read(tmp_path):
  def read_text(text: str, name='v.csv', skeleton=EYES, **options):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return deeplabcut.read_video(tmp_path / name, skeleton, ReadOptions(**options))

  return read_text


def test_one_person(read):
  poses = read(ONE)
  frames = poses.frames((64, 64))
  assert frames[0].tolist() == [
    [[10.5, 20.5, pytest.approx(0.9)], [30, 40, pytest.approx(0.8)]]
  ]
  assert frames[1][0, 1].tolist() == [0, 0, 0]
  assert frames[2][0, 0, 2] == pytest.approx(0.02)
  assert (poses.frame_size, poses.notes) == (None, ())


def test_several_people_without_likelihoods(read):
  poses = read(TWO)
  assert [people[:, 1].tolist() for people in poses.people.values()] == [
    [[30, 40, 1], [70, 80, 1]],
    [[71, 81, 1]],
  ]
  assert [names.tolist() for names in poses.names()] == [[0, 1], [1]]


@pytest.mark.parametrize(
  'dress',
  [
    lambda text: text.replace('\n', '\r').encode('utf-8-sig'),
    lambda text: text.encode('utf-16'),
    lambda text: text.replace(',', '\t').encode(),
    lambda text: text.replace(',', ';').replace('.', ',').encode(),
    lambda text: text.replace('scorer', '"scorer"').encode(),
    lambda text: text.replace('\n', ',,\n').encode(),
    lambda text: text.partition('\n')[2].encode(),  # Without the scorer.
    lambda text: gzip.compress(text.encode()),
    lambda text: f'\n{text}\n,,,,,,\n'.encode().lstrip(),
  ],
)
def test_every_dress_gives_the_same_poses(read, dress):
  np.testing.assert_equal(read(dress(ONE)).people, read(ONE).people)


def test_images_labelled_by_hand(read):
  text = TWO
  for name in ('scorer', 'individuals', 'bodyparts', 'coords'):
    text = text.replace(f'{name},', f'{name},,,')
  text = text.replace('\n4,', '\nlabeled-data,walk,img0007.png,')
  text = text.replace('\n5,', '\nlabeled-data,walk,img0009.png,')
  assert list(read(text).people) == [7, 9]
  paths = TWO.replace('\n4,', '\nlabeled-data\\walk\\img07.png,').replace(
    '\n5,', '\nlabeled-data\\walk\\img12.png,'
  )
  assert list(read(paths).people) == [7, 12]


def test_joints_are_taken_by_name(read):
  poses = read(ONE.replace('left_eye', 'EyeR').replace('right_eye', 'EyeL'))
  assert poses.people[0][0, :, 0].tolist() == [30, 10.5]
  assert [note.kind for note in poses.notes] == ['joint_order']


def test_an_individual_with_other_body_parts_is_left_out_with_a_note(read):
  text = TWO.replace('ben', 'single').replace('right_eye,right_eye\n', 'ball,ball\n')
  poses = read(text)
  assert [len(people) for people in poses.people.values()] == [1, 0]
  (note,) = poses.notes
  assert "'single' has other body parts (left_eye, ball)" in note.message


@pytest.mark.parametrize(
  ('old', 'new', 'message'),
  [
    ('scorer,', 'frame,', r"v\.csv begins with 'frame,net.*begins with 'scorer'"),
    ('coords,', 'coord,', r'header lines scorer, bodyparts and 4 rows'),
    ('\n0,', '\n1,', r'row 0 and row 1 are both frame 1'),
    ('\n0,', '\na,', r"'a' has no number in its name"),
    ('\n0,', '\nwalk/img0.png,', r"several videos, such as 'walk/img0\.png' and '1'"),
    (
      '\n0,',
      '\n0,1,',
      r'line 4 has 7 numbers, but needs one for each of the 6 columns',
    ),
    ('10.5', 'left', r"line 4 must be numbers: .*'left'"),
    ('scorer,net', 'scorer,old', r'several scorers, net, old'),
    ('likelihood,x', 'z,x', r"'left_eye' has the coordinate 'z', .*3-D poses are not"),
    ('x,y,likelihood,x', 'x,x,likelihood,x', r"the coordinate 'x', twice"),
    (
      'x,y,likelihood,x',
      'x,likelihood,y,likelihood',
      r'the coordinate|differ in length',
    ),
    ('scorer,net', 'scorer', r'header lines differ in length'),
    ('left_eye', 'tail', r"bodyparts: joint 0 is 'tail', but .* is 'left_eye'"),
  ],
)
def test_what_is_refused_in_one_line(read, old, new, message):
  assert old in ONE
  count = -1 if old == 'left_eye' else 1
  with pytest.raises(PoseDataError, match=message) as raised:
    read(ONE.replace(old, new, count))
  assert '\n' not in str(raised.value)


COLUMNS = [
  ('net', person, part, axis)
  for person in ('ann', 'ben')
  for part in EYES.joints
  for axis in ('x', 'y', 'likelihood')
]
VALUES = np.arange(36.0).reshape(3, 12)
VALUES[:, 2::3] = 0.5


def write_table(path, columns=COLUMNS, values=VALUES, protocol=0):
  """A table as pandas' `to_hdf(format='table')` writes it, as in DeepLabCut."""
  h5py = pytest.importorskip('h5py', reason='h5py is not installed')
  rows = np.zeros(
    len(values), [('index', 'i8'), ('values_block_0', 'f8', values.shape[1:])]
  )
  rows['index'] = np.arange(len(values)) + 2
  rows['values_block_0'] = values
  with h5py.File(path, 'w') as file:
    group = file.create_group('df_with_missing')
    group.attrs['pandas_type'] = np.bytes_('frame_table')
    table = group.create_dataset('table', data=rows)
    table.attrs['values_block_0_kind'] = np.bytes_(pickle.dumps(columns, protocol))


def write_fixed(path):
  """A table as pandas' `to_hdf` writes it by default, as in the package movement."""
  h5py = pytest.importorskip('h5py', reason='h5py is not installed')
  with h5py.File(path, 'w') as file:
    group = file.create_group('df_with_missing')
    group.attrs['pandas_type'] = np.bytes_('frame')
    group.attrs['axis0_variety'] = np.bytes_('multi')
    group.attrs['axis0_nlevels'] = 4
    group.attrs['nblocks'] = 1
    for level, names in enumerate(zip(*COLUMNS, strict=True)):
      known = sorted(set(names))
      group[f'block0_items_level{level}'] = np.array(known, 'S')
      group[f'block0_items_label{level}'] = [known.index(name) for name in names]
    group['block0_values'] = VALUES
    group['axis1'] = np.arange(3) + 2


@pytest.mark.parametrize('write', [write_table, write_fixed])
def test_hdf5(tmp_path, write):
  write(tmp_path / 'v.h5')
  poses = deeplabcut.read_video(tmp_path / 'v.h5', EYES)
  assert list(poses.people) == [2, 3, 4]
  assert poses.people[3].tolist() == [
    [[12, 13, 0.5], [15, 16, 0.5]],
    [[18, 19, 0.5], [21, 22, 0.5]],
  ]


@pytest.mark.parametrize('form', ['table', 'fixed'])
def test_hdf5_as_pandas_writes_it(tmp_path, form):
  pandas = pytest.importorskip('pandas', reason='pandas is not installed')
  pytest.importorskip('tables', reason='PyTables is not installed')
  names = ['scorer', 'individuals', 'bodyparts', 'coords']
  frame = pandas.DataFrame(
    VALUES, columns=pandas.MultiIndex.from_tuples(COLUMNS, names=names)
  )
  frame.to_hdf(tmp_path / 'v.h5', key='df_with_missing', format=form)
  poses = deeplabcut.read_video(tmp_path / 'v.h5', EYES)
  frame.to_csv(tmp_path / 'w.csv')
  np.testing.assert_equal(
    poses.people, deeplabcut.read_video(tmp_path / 'w.csv', EYES).people
  )


class Call:
  """Pickles as a call of `function`."""

  def __init__(self, function, *arguments):
    self._call = (function, arguments)

  def __reduce__(self):
    return self._call


def test_a_program_in_an_hdf5_file_is_refused(tmp_path):
  write_table(tmp_path / 'v.h5', columns=[Call(print, 'run')])
  with pytest.raises(PoseDataError, match=r'v\.h5 names .*print, which is refused'):
    deeplabcut.read_video(tmp_path / 'v.h5', EYES)


def test_hdf5_files_of_others_are_named(tmp_path):
  h5py = pytest.importorskip('h5py', reason='h5py is not installed')
  with h5py.File(tmp_path / 'v.h5', 'w') as file:
    file['tracks'] = np.zeros(3)
  with pytest.raises(
    PoseDataError, match=r"has tracks; read SLEAP's with --format=sle"
  ):
    deeplabcut.read_video(tmp_path / 'v.h5', EYES)
  (tmp_path / 'v.h5').write_bytes(b'text')
  with pytest.raises(PoseDataError, match=r'v\.h5 is not a readable HDF5 file'):
    deeplabcut.read_video(tmp_path / 'v.h5', EYES)


def test_a_video_in_both_forms_is_one_video(tmp_path):
  write_table(tmp_path / 'a.h5')
  write_table(tmp_path / 'b.h5')
  (tmp_path / 'a.csv').write_text(ONE)
  options = ReadOptions(frame_size=(64, 64))
  with pytest.raises(PoseDataError, match=r'names 2 joints \(left_eye, right_eye\), '):
    read_poses('deeplabcut', tmp_path, options=options)
  layout = tmp_path / 'eyes.json'
  layout.write_text(
    '{"name": "eyes", "joints": ["left_eye", "right_eye"],'
    ' "limbs": [["left_eye", "right_eye"]]}'
  )
  source = read_poses('deeplabcut', tmp_path, skeleton=str(layout), options=options)
  assert source.splits == {'all': ('a', 'b')}
  assert source.load('a').keypoints.shape[:2] == (3, 1)
  assert source.load('b').keypoints.shape[:2] == (3, 2)
