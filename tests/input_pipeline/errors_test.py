"""Every exception in the block becomes one line."""

import pytest

from input_pipeline.errors import PoseDataError, SkeletonError, as_pose_data_error


@pytest.mark.parametrize(
  ('raised', 'kind', 'message'),
  [
    (PoseDataError('clip a: it is empty'), PoseDataError, 'clip a: it is empty'),
    (PoseDataError('it is empty'), PoseDataError, 'clip a: it is empty'),
    # What another library says may have many lines.
    (PoseDataError('clip a: no\n  import x\n'), PoseDataError, 'clip a: no import x'),
    (SkeletonError('no\nname'), SkeletonError, 'no name'),
    (ImportError('no x\n  here'), ImportError, 'no x\n  here'),
  ],
)
def test_the_errors_of_this_library(raised, kind, message):
  with pytest.raises(kind) as error, as_pose_data_error('it fails', prefix='clip a'):
    raise raised
  assert type(error.value) is kind
  assert str(error.value) == message


@pytest.mark.parametrize('raised', [KeyError('x\ny'), RuntimeError('\n'.join('abc'))])
def test_other_errors(raised):
  with pytest.raises(PoseDataError) as error, as_pose_data_error('clip a fails'):
    raise raised
  assert str(error.value).startswith(f'clip a fails: {type(raised).__name__}: ')
  assert '\n' not in str(error.value)
