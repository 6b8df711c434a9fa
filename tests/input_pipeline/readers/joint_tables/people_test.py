"""Tables in which each person has columns of their own."""

import numpy as np
import pytest

from input_pipeline.readers.joint_tables.cells import read_cells
from input_pipeline.readers.joint_tables.people import one_row_per_person
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import get_skeleton

COCO = get_skeleton('coco_17').joints


def write(path, prefixes, frame=True):
  header = [f'{p}{j}_{a}' for p in prefixes for j in COCO for a in 'xy']
  lines = [['frame'] * frame + header]
  for t in range(3):
    places = [
      place
      for m in range(len(prefixes))
      for j in range(17)
      for place in (20 + 200 * m + 3 * j + t, 300 - 4 * j)
    ]
    lines.append([7 + t] * frame + places)
  path.write_text('\n'.join(','.join(map(str, line)) for line in lines))


@pytest.mark.parametrize('frame', [True, False])
@pytest.mark.parametrize(
  'prefixes', [('person0_', 'person1_'), ('p1_', 'p2_'), ('id-3 ', 'id-4 ')]
)
def test_people_side_by_side(tmp_path, prefixes, frame):
  write(tmp_path / 'v.csv', prefixes, frame)
  source = read_poses('auto', tmp_path, options=ReadOptions(frame_size=(480, 640)))
  clip = source.load('v')
  assert (clip.skeleton.name, clip.notes) == ('coco_17', ())
  first = np.sort(clip.keypoints[:, :, 16, 0], axis=1)
  assert first.tolist() == [[68 + t, 268 + t] for t in range(3)]
  assert (clip.keypoints[:, :, 16, 1] == 236).all()


@pytest.mark.parametrize('prefixes', [('',), ('pose_',), ('person0_', '')])
def test_other_tables_stay_as_they_are(tmp_path, prefixes):
  write(tmp_path / 'v.csv', prefixes)
  cells = read_cells(tmp_path / 'v.csv')
  assert one_row_per_person(cells) is cells
