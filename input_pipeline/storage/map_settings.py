"""Settings that stored maps depend on: derives them and compares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from input_pipeline.errors import PoseDatasetError
from input_pipeline.maps.part_fields import DEFAULT_WIDTH
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.maps.rendering import TRUNCATE
from input_pipeline.poses.sources import ClipSource, HeatmapSource, PotionSource
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.rendered_maps import DEFAULT_SHORT_SIDE, DEFAULT_SIGMA


class AskedMaps(TypedDict, total=False):
  """How to make maps. A setting that is None or left out has its default.

  The defaults are the settings of the source's ready maps, or else those of
  `rendering_settings`.

  Attributes:
    short_side: cells on the frame's shorter side.
    sigma: standard deviation of the Gaussians, in cells.
    channels: for potion: number of time channels.
    weights: for potion: how frames are weighted, see `potion.PotionSettings`.
    modalities: for heatmaps: some of 'joints', 'parts', 'features'.
    part_width: for the modality 'parts': half width of a limb, in cells from its axis.
  """

  short_side: int | None
  sigma: float | None
  channels: int | None
  weights: str | None
  modalities: Sequence[str] | None
  part_width: float | None


def given_settings(maps: AskedMaps) -> dict[str, Any]:
  """The settings that are not None.

  Raises:
    TypeError: for a name that is not a setting.
  """
  known = AskedMaps.__annotations__
  if unknown := [name for name in maps if name not in known]:
    raise TypeError(
      f'there is no setting {", ".join(unknown)} for maps; use {", ".join(known)}'
    )
  return {name: value for name, value in maps.items() if value is not None}


def source_settings(
  source: ClipSource, representation: str, **maps: Unpack[AskedMaps]
) -> dict[str, Any]:
  """Settings for storing a source's maps, as asked for or the defaults.

  Raises:
    PoseDatasetError: on invalid settings, or a representation or settings that the
      source cannot serve.
  """
  asked = given_settings(maps)
  if 'modalities' in asked:
    asked['modalities'] = list(asked['modalities'])
  if isinstance(source, PotionSource):
    own, ready, kind = dict(source.settings), 'potion', 'PoTion maps'
  elif isinstance(source, HeatmapSource):
    own, ready, kind = dict(source.settings), 'heatmaps', 'maps of frames'
    own |= {
      'modalities': list(source.modalities),
      'num_features': source.num_features,
    }
  else:
    return rendering_settings(representation, source.skeleton, **asked)
  if representation != ready:
    raise PoseDatasetError(
      f'the source holds ready {kind}, from which {representation} cannot be made;'
      f' use representation {ready!r}'
    )
  check_same(f"the source's {kind} have", asked, own, "ask for the source's settings")
  return {**own, 'background': source.skeleton.background}


def rendering_settings(
  representation: str,
  skeleton: Skeleton,
  *,
  short_side: int = DEFAULT_SHORT_SIDE,
  sigma: float = DEFAULT_SIGMA,
  channels: int = PotionSettings.channels,
  weights: str = PotionSettings.weights,
  modalities: Sequence[str] = ('joints',),
  part_width: float = DEFAULT_WIDTH,
) -> dict[str, Any]:
  """Settings for maps rendered from keypoints; empty for keypoints themselves.

  Args:
    modalities: for heatmaps: 'joints' and 'parts' can be rendered.
    part_width: for the modality 'parts', see `part_fields`.

  Raises:
    PoseDatasetError: on invalid settings.
  """
  if representation == 'keypoints':
    return {}
  if short_side < 1 or sigma <= 0:
    raise PoseDatasetError(
      f'short_side is {short_side} and sigma is {sigma}, in cells, but short_side must'
      ' be at least 1 and sigma above 0'
    )
  settings: dict[str, Any] = {
    'short_side': int(short_side),
    'sigma': float(sigma),
    'truncate': TRUNCATE,
    'background': skeleton.background,
  }
  if representation == 'heatmaps':
    settings['modalities'] = list(modalities)
    if set(modalities) - {'joints', 'parts'} or not modalities:
      raise PoseDatasetError(
        f'modalities are {", ".join(modalities) or "none"}, but from keypoints only'
        ' joints and parts can be rendered; features come from a pose network'
        ' (tools/extract_poses.py)'
      )
    if 'parts' in modalities:
      if part_width <= 0:
        raise PoseDatasetError(
          f'part_width is {part_width}, but must be above 0 (cells from the axis)'
        )
      settings['part_width'] = float(part_width)
  if representation == 'potion':
    try:
      PotionSettings(channels, weights)
    except ValueError as error:
      raise PoseDatasetError(str(error)) from error
    settings |= {'channels': int(channels), 'weights': weights}
  return settings


def check_same(
  subject: str, asked: Mapping[str, Any], there: Mapping[str, Any], remedy: str
):
  """Checks that existing settings are as asked for, except unknown ones (None).

  Args:
    subject: begins the message, such as 'DIR is rendered with'.
    asked: settings by name.
    there: the existing settings by name.
    remedy: ends the message: what the user can do.

  Raises:
    PoseDatasetError: naming every setting that differs, and the remedy.
  """
  differ = [name for name in asked if there.get(name) not in (None, asked[name])]
  if differ:
    raise PoseDatasetError(
      f'{subject} '
      + ', '.join(f'{name} {there[name]!r}, not {asked[name]!r}' for name in differ)
      + f'; {remedy}'
    )
