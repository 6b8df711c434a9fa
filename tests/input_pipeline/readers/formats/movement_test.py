"""netCDF files of the package movement, written by xarray as movement writes them."""

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import movement
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import SKELETONS, Skeleton

xarray = pytest.importorskip('xarray', reason='xarray is not installed')
pytest.importorskip('h5netcdf', reason='h5netcdf is not installed')

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
NAMES = ('left_eye', 'right_eye')


def dataset(frames=4, names=NAMES, people=('ann', 'ben'), fps=None, **attributes):
  """Person m's joint n in frame t is at x = 10 + t + 10 n + 30 m, y = x + 1."""
  t, n, m = np.ogrid[:frames, : len(names), : len(people)]
  x = 10.0 + t + 10 * n + 30 * m
  times = np.arange(frames) / fps if fps else np.arange(frames)
  attributes |= {'fps': fps} if fps else {}
  return xarray.Dataset(
    {
      'position': (
        ('time', 'space', 'keypoints', 'individuals'),
        np.stack([x, x + 1], axis=1),
      ),
      'confidence': (('time', 'keypoints', 'individuals'), np.full(x.shape, 0.75)),
    },
    {
      'time': times,
      'space': ['x', 'y'],
      'keypoints': list(names),
      'individuals': list(people),
    },
    {
      'time_unit': 'seconds' if fps else 'frames',
      'source_software': 'SLEAP',
      'ds_type': 'poses',
      **attributes,
    },
  )


@pytest.fixture
def read(tmp_path):
  def read_dataset(data, engine='h5netcdf', skeleton=EYES, **options):
    data.to_netcdf(tmp_path / 'v.nc', engine=engine)
    return movement.read_video(tmp_path / 'v.nc', skeleton, ReadOptions(**options))

  return read_dataset


def xs(poses) -> dict[int, list[list[float]]]:
  return {number: people[..., 0].tolist() for number, people in poses.people.items()}


@pytest.mark.parametrize('engine', ['h5netcdf', 'scipy'])
def test_people_and_scores(read, engine):
  poses = read(dataset(2), engine)
  assert xs(poses) == {0: [[10, 20], [40, 50]], 1: [[11, 21], [41, 51]]}
  assert poses.people[1][0].tolist() == [[11, 12, 0.75], [21, 22, 0.75]]
  assert [names.tolist() for names in poses.names()] == [[0, 1], [0, 1]]
  assert (poses.frame_size, poses.notes) == (None, ())


@pytest.mark.parametrize(
  'change',
  [
    lambda data: data.transpose('individuals', 'keypoints', 'space', 'time'),
    lambda data: data.rename(keypoints='keypoint', individuals='individual'),
    lambda data: data.rename(position='pose_tracks'),
    lambda data: data.sel(space=['y', 'x']),
    lambda data: data.astype('float32'),
    lambda data: data.drop_vars(['space', 'individuals']),
    lambda data: data.assign_attrs(source_software=''),
  ],
)
def test_every_form_gives_the_same_poses(read, change):
  assert xs(read(change(dataset(2)))) == xs(read(dataset(2)))


def test_one_individual_without_an_axis(read):
  poses = read(dataset(2).isel(individuals=1, drop=True))
  assert xs(poses) == {0: [[40, 50]], 1: [[41, 51]]}


def test_nan_is_missing_and_a_person_without_joints_absent(read):
  data = dataset(2)
  data.position[0, :, :, 0] = np.nan
  data.position[1, 0, 1, 1] = np.nan
  poses = read(data)
  assert [names.tolist() for names in poses.names()] == [[1], [0, 1]]
  frames = poses.frames((100, 100))
  assert frames[0][:, :, 0].tolist() == [[40, 50]]
  assert frames[1][1].tolist() == [[41, 42, 0.75], [0, 0, 0]]


def test_without_confidences_each_position_counts_fully(read):
  data = dataset(2)
  data.position[0, :, 1, 0] = np.nan
  for unscored in (
    data.drop_vars('confidence'),
    data.assign(confidence=data.confidence * np.nan),
  ):
    poses = read(unscored)
    assert poses.people[0][..., 2].tolist() == [[1, 0], [1, 1]]
    assert poses.notes == ()


def test_some_poses_without_confidence(read):
  data = dataset(2)
  data.confidence[0, :, 1] = np.nan  # A label by hand.
  data.confidence[1, 1, 0] = np.nan  # A joint of a prediction.
  poses = read(data)
  assert poses.people[0][1, :, 2].tolist() == [1, 1]
  assert poses.frames((100, 100))[1][0, :, 2].tolist() == [0.75, 0]
  assert [note.kind for note in poses.notes] == ['poses_without_scores']
  assert poses.notes[0].message.startswith('1 of 4 poses have no confidence')


def test_joints_are_taken_by_name(read):
  poses = read(dataset(1, names=('nose', 'RightEye', 'eye.L')))
  assert xs(poses)[0][0] == [30, 20]
  assert [note.kind for note in poses.notes] == ['joints_left_out']
  with pytest.raises(PoseDataError, match=r"'tail'.*'left_eye'"):
    read(dataset(1, names=('tail', 'right_eye')))
  trusted = read(dataset(1, names=('tail', 'right_eye')), trust_order=True)
  assert xs(trusted)[0][0] == [10, 20]


def test_placeholder_names_are_no_names(read):
  poses = read(dataset(1, names=('keypoint_0', 'keypoint_1')))
  assert (xs(poses)[0][0], poses.notes) == ([10, 20], ())
  with pytest.raises(PoseDataError, match="3 joints, but skeleton 'eyes' has 2"):
    read(dataset(1, names=('keypoint_0', 'keypoint_1', 'keypoint_2')))


@pytest.mark.parametrize(
  ('select', 'numbers', 'rate'),
  [
    (slice(None), [0, 1, 2, 3, 4, 5], 25),
    (slice(2, None), [0, 1, 2, 3], 25),
    (slice(None, None, 2), [0, 1, 2], 12.5),
    ([0, 1, 4, 5], [0, 1, 4, 5], 25),
    ([3], [0], 25),
  ],
)
def test_seconds(read, select, numbers, rate):
  poses = read(dataset(6, fps=25).isel(time=select))
  assert (list(poses.people), poses.frame_rate) == (numbers, pytest.approx(rate))


def test_times_of_a_camera_that_drifts_from_its_nominal_rate(read):
  data = dataset(5000, people=('ann',), fps=30)
  data = data.assign_coords(time=np.arange(5000) * 1.001 / 30)
  poses = read(data)
  assert list(poses.people) == list(range(5000))
  assert poses.frame_rate == pytest.approx(30 / 1.001)


def test_frames(read):
  assert list(read(dataset(6).isel(time=[1, 2, 5])).people) == [1, 2, 5]


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda d: d.isel(time=[0, 2, 1]), 'time 1 follows time 2, but times must ascend'),
    (lambda d: d.isel(time=[0, 1, 1]), 'time 1 follows time 1'),
    (lambda d: d.assign_coords(time=[0, 1, 2.5, 3]), 'counts frames, but has 2.5'),
    (
      lambda d: d.assign_coords(time=[0, 1, 2.4, 3]).assign_attrs(time_unit='seconds'),
      '0.6 to 1.4 seconds apart, which no frame rate explains',
    ),
    (lambda d: d.assign_attrs(time_unit='hours'), 'time is int64 in hours'),
    (lambda d: d.assign_attrs(ds_type='bboxes'), 'v.nc holds bboxes, but must hold'),
    (lambda d: d.drop_vars('position'), "no variable 'position'; it has confidence"),
    (
      lambda d: d.expand_dims(view=['left', 'right']),
      'select one value of each further',
    ),
    (
      lambda d: d.isel(keypoints=0),
      'has the axes .*, but needs time, individual, keypo',
    ),
    (lambda d: d.isel(space=[0]), 'coordinates x, but must have x and y'),
    (
      lambda d: d.assign_coords(space=['rho', 'phi']),
      'rho, phi, .*: they are no pixels',
    ),
    (
      lambda d: xarray.concat(
        [d, d.isel(space=[0]).assign_coords(space=['z'])],
        'space',
        data_vars='minimal',
      ),
      'x, y, z, .*: 3-D poses are not read',
    ),
    (lambda d: d.isel(time=slice(0, 0)), 'there is no frame'),
  ],
)
def test_what_is_refused_in_one_line(read, change, message):
  with pytest.raises(PoseDataError, match=message) as raised:
    read(change(dataset()))
  assert '\n' not in str(raised.value)


@pytest.mark.parametrize(
  'content', [b'', b'text', b'CDF\1 cut', b'\x89HDF\r\n\x1a\n cut']
)
def test_broken_files_are_named(tmp_path, content):
  (tmp_path / 'v.nc').write_bytes(content)
  with pytest.raises(
    PoseDataError, match=r'v\.nc is not a readable (netCDF|HDF5) file'
  ):
    movement.read_video(tmp_path / 'v.nc', EYES)


def test_a_small_file_that_declares_terabytes_is_refused(tmp_path):
  h5py = pytest.importorskip('h5py')
  with h5py.File(tmp_path / 'v.nc', 'w') as file:
    file.create_dataset('position', (10**6, 2, 1000, 1000), 'f8', chunks=True)
  with pytest.raises(
    PoseDataError, match='declares arrays of 16,000,000,000,000 bytes'
  ):
    movement.read_video(tmp_path / 'v.nc', EYES)


def test_the_names_choose_the_skeleton(tmp_path):
  names = SKELETONS['coco_17'].joints
  (tmp_path / 'wave').mkdir()
  dataset(names=names).to_netcdf(tmp_path / 'wave' / 'a.nc', engine='h5netcdf')
  options = ReadOptions(frame_size=(400, 400))
  source = read_poses('movement', tmp_path, options=options)
  assert source.skeleton.name == 'coco_17'
  clip = source.load('a')
  assert source.class_names == ('wave',)
  assert clip.keypoints[3, 1, 16].tolist() == [10 + 3 + 160 + 30, 10 + 3 + 160 + 31]

  dataset(names=('snout', 'tail')).to_netcdf(tmp_path / 'b.nc', engine='h5netcdf')
  with pytest.raises(
    PoseDataError, match=r'names 2 joints \(snout, tail\), .* as --skeleton'
  ):
    read_poses('movement', tmp_path / 'b.nc', options=options)


def test_seconds_without_a_unit(read):
  data = dataset(4, fps=40)
  del data.attrs['time_unit']
  poses = read(data.isel(time=[0, 1, 3]))
  assert (list(poses.people), poses.frame_rate) == ([0, 1, 3], 40)
