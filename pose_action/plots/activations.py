"""PA3D's activations for one clip (Fig. 4): maps, motion maps, filters, features."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int, UInt8

from pose_action.plots.channel_pooling import largest, strongest
from pose_action.plots.panel_rows import PanelRow, panel_rows_image

CHANNELS_SHOWN = 32  # PA3D Sec. 4.3.


def activations_image(
  title: str,
  subtitle: str,
  maps: Mapping[str, Float[np.ndarray, 't h w c']],
  motion_maps: Mapping[str, Float[np.ndarray, 'h w c n']],
  *,
  layer: str = '',
  filters: Float[np.ndarray, '3 3 i o'] | None = None,
  features: Float[np.ndarray, 'h w o'] | None = None,
  map_name: str = 'frame',
) -> UInt8[np.ndarray, 'h w 3']:
  """Draws PA3D's Fig. 4 for one clip; rows without data are omitted.

  Two rows per modality: its maps, as the largest magnitude over channels (parts have a
  sign: the paper's maximum would hide those that point left or up), and its motion maps,
  as the signed value of the channel with the largest magnitude.

  Two rows for a convolution: the filters and the features of 32 channels, in the order
  of their numbers. They are the channels with the largest mean feature for this clip
  (ours: the paper does not say which 32). Filters are averaged over input channels (ours:
  the response to the same input on all channels).

  Args:
    maps, motion_maps: by modality, without a background channel (1 - max).
    layer: the name of the convolution that `filters` and `features` belong to.
    map_name: the name for axis `t` of the maps.
  """
  rows = []
  for modality, frames in maps.items():
    rows.append(_maps_row(modality, frames, map_name))
    if modality in motion_maps:
      rows.append(_motion_row(modality, motion_maps[modality]))
  if filters is not None and features is not None:
    channels = most_active(features)
    rows += _layer_rows(layer, filters, features, channels)
  return panel_rows_image(title, subtitle, rows)


def most_active(
  features: Float[np.ndarray, 'h w o'], count: int = CHANNELS_SHOWN
) -> Int[np.ndarray, ' n']:
  """The channels with the largest means, in the order of their numbers."""
  means = np.nan_to_num(features.mean(axis=(0, 1)), nan=-np.inf)
  return np.sort(np.argsort(-means, kind='stable')[:count])


def _maps_row(modality: str, maps: np.ndarray, map_name: str) -> PanelRow:
  return PanelRow(
    heading=f'{modality}: the maps that the model reads',
    note=f'largest magnitude over channels ({maps.shape[-1]})',
    panels=largest(maps),
    names=[f'{map_name} {number}' for number in range(len(maps))],
    signed=False,
    scale='map value',
  )


def _motion_row(modality: str, motion_maps: np.ndarray) -> PanelRow:
  channels, outputs = motion_maps.shape[2:]
  return PanelRow(
    heading=f'{modality}: motion maps',
    note=f'largest magnitude over channels ({channels}), with its sign',
    panels=np.moveaxis(strongest(np.swapaxes(motion_maps, 2, 3)), -1, 0),
    names=[f'output {number}' for number in range(outputs)],
    signed=True,
    scale='signed value',
  )


def _layer_rows(
  layer: str, filters: np.ndarray, features: np.ndarray, channels: np.ndarray
) -> list[PanelRow]:
  names = [str(channel) for channel in channels]
  chosen = f'the {len(channels)} most active channels of {features.shape[-1]}'
  shown = np.moveaxis(features[..., channels], -1, 0)
  return [
    PanelRow(
      heading=f'{layer}: filters',
      note=f'{chosen}; mean over input channels ({filters.shape[2]})',
      panels=np.moveaxis(filters[..., channels].mean(axis=2), -1, 0),
      names=names,
      signed=True,
      scale='mean weight',
    ),
    PanelRow(
      heading=f'{layer}: features of the same channels',
      note='after BatchNorm and ReLU',
      panels=shown,
      names=names,
      signed=bool((shown < 0).any()),  # BatchNorm may be last.
      scale='feature',
    ),
  ]
