"""Downloads JHMDB's joint positions and split lists (Jhuang et al., ICCV 2013)."""

from __future__ import annotations

import os
import pathlib

from input_pipeline.catalog.downloads import DownloadError, download, extract_folder
from pose_action.host.user_paths import user_path

_URL = 'https://files.is.tue.mpg.de/jhmdb'
# Each archive's name, without .zip, and md5.
_ARCHIVES = {
  'joint_positions': '3d1ac91bcb8544ddfdd9547997db239f',
  'splits': '15b9f2f7a99d63c07f3be0c9ecde43b5',
}


def download_jhmdb(data_dir: str | os.PathLike[str]) -> pathlib.Path:
  """Makes a folder with JHMDB in the data dir, in the form that 'jhmdb_tree' reads.

  Downloads and unpacks only missing files; needs no network if all exist.

  Raises:
    DownloadError: if a download fails; says where to put which files instead.
  """
  root = user_path(data_dir) / 'downloads' / 'jhmdb'
  for name, md5 in _ARCHIVES.items():
    if (root / name).is_dir():
      continue
    try:
      archive = download(f'{_URL}/{name}.zip', root, md5=md5)
      extract_folder(archive, name, root)
    except DownloadError as error:
      raise DownloadError(f'{error}\n{_how_to_continue(root)}') from error
  return root


def _how_to_continue(root: pathlib.Path) -> str:
  files = ' and '.join(f'{name}.zip' for name in _ARCHIVES)
  return (
    f'To continue without this download, fetch {files} from {_URL}/ on another machine'
    f' and put them into {root}/; or unpack both into one folder, so that it holds'
    ' joint_positions/<class>/<video>/joint_positions.mat and'
    ' splits/<class>_test_split<k>.txt, and set --config.data.poses=FOLDER.'
  )
