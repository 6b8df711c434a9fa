"""Settings for stored maps: asked for, a source's own, or the default."""

from typing import Any

import pytest

from input_pipeline.errors import PoseDatasetError
from input_pipeline.poses.sources import HeatmapSource, PoseSource, PotionSource
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.map_settings import (
  check_same,
  rendering_settings,
  source_settings,
)

DUO = Skeleton('duo', ('head', 'neck'), ())
OWN = {
  'short_side': 64,
  'sigma': None,
  'truncate': None,
  'channels': 3,
  'weights': 'integer_break',
}


def no_clip(video_id):
  raise KeyError(video_id)


READY = PotionSource(DUO, ('run',), {}, no_clip, OWN)
POSES = PoseSource(DUO, ('run',), {}, no_clip)


def test_what_each_representation_depends_on():
  assert source_settings(POSES, 'keypoints', short_side=9) == {}
  rendered = {'short_side': 64, 'sigma': 2.0, 'truncate': 3.0, 'background': False}
  assert source_settings(POSES, 'heatmaps') == rendered | {'modalities': ['joints']}
  assert source_settings(
    POSES, 'heatmaps', modalities=('joints', 'parts'), part_width=1
  ) == rendered | {'modalities': ['joints', 'parts'], 'part_width': 1.0}
  assert source_settings(POSES, 'potion', sigma=1) == rendered | {
    'sigma': 1.0,
    'channels': 3,
    'weights': 'exact',
  }


@pytest.mark.parametrize('source', [POSES, READY])
def test_an_unknown_setting_is_refused(source):
  misspelt: Any = {'shortside': 9, 'sigma': None}
  with pytest.raises(
    TypeError, match='no setting shortside for maps; use short_side, '
  ):
    source_settings(source, 'potion', **misspelt)


def test_ready_maps_keep_their_own_settings():
  assert source_settings(READY, 'potion') == OWN | {'background': False}
  # An unknown setting contradicts nothing.
  assert source_settings(READY, 'potion', channels=3, sigma=2.0)['sigma'] is None


def test_ready_maps_are_as_they_are():
  message = "PoTion maps have channels 3, not 4, weights 'integer_break', not 'exact'"
  with pytest.raises(PoseDatasetError, match=message):
    source_settings(READY, 'potion', channels=4, weights='exact')
  with pytest.raises(PoseDatasetError, match=r"heatmaps cannot be made; .* 'potion'"):
    source_settings(READY, 'heatmaps')


def test_a_networks_maps_keep_theirs():
  own = {'short_side': 64, 'sigma': None}
  network = HeatmapSource(
    *(DUO, ('run',), {}, no_clip), ('joints', 'features'), own, num_features=5
  )
  modalities = ['joints', 'features']
  expected = own | {'modalities': modalities, 'num_features': 5, 'background': False}
  assert source_settings(network, 'heatmaps', modalities=modalities) == expected
  with pytest.raises(
    PoseDatasetError, match=r"keypoints cannot be made; .* 'heatmaps'"
  ):
    source_settings(network, 'keypoints')
  with pytest.raises(PoseDatasetError, match=r"features'\], not \['parts'\]"):
    source_settings(network, 'heatmaps', modalities=['parts'])


@pytest.mark.parametrize(
  ('asked', 'message'),
  [
    ({'modalities': ('features',)}, 'modalities are features, but from keypoints only'),
    ({'modalities': ()}, 'modalities are none'),
    ({'modalities': ('parts',), 'part_width': 0}, 'part_width is 0, but must be above'),
  ],
)
def test_heatmaps_that_cannot_be_rendered(asked, message):
  with pytest.raises(PoseDatasetError, match=message):
    rendering_settings('heatmaps', DUO, **asked)


@pytest.mark.parametrize(
  ('asked', 'message'),
  [
    ({'short_side': 0}, 'short_side must be at least 1'),
    ({'sigma': -1.0}, r'sigma is -1\.0'),
    ({'channels': 1}, r'potion\.channels is 1'),
    ({'weights': 'linear'}, r"potion\.weights is 'linear'"),
  ],
)
def test_settings_that_make_no_sense(asked, message):
  with pytest.raises(PoseDatasetError, match=message):
    rendering_settings('potion', DUO, **asked)


def test_what_is_not_known_is_not_compared():
  check_same('x has', {'a': 1, 'b': 2, 'c': 3}, {'a': 1, 'b': None}, 'mend it')
  with pytest.raises(
    PoseDatasetError, match=r'^x has a 0, not 1, b False, not 2; mend'
  ):
    check_same('x has', {'a': 1, 'b': 2}, {'a': 0, 'b': False}, 'mend it')
