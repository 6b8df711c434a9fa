"""What the library knows about each published data set.

Your own data set needs no entry here: name its format and skeleton when exporting.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from input_pipeline.annotations import charades, mimetics, split_lists
from input_pipeline.annotations.annotation import Annotation

PathLike = str | os.PathLike[str]


@dataclasses.dataclass(frozen=True)
class Protocol:
  """How a published data set is split and scored.

  Attributes:
    name: the data set's name, also the name of its folder.
    skeleton: name of the joint layout in the data set's own poses.
    format: the reader for the data set's own poses; None if the library generates them.
    splits: (training split, test split) pairs 1, 2, ...
    metric: the headline metric in papers, averaged over `splits` if there are several; a
      name from `pose_action.evaluation.metrics.figures`, or 'frame_mAP'
      (tools/evaluate_ava.py).
    citation: the paper to cite.
    requires: which files are needed and where to get them; shown if one is missing.
    multi_label: whether clips have any number of labels.
    further_metrics: metrics that papers report beside `metric`.
    num_clips: published number of clips in each test split.
    annotation: reads the official files with each video's classes and splits, for poses
      that have neither.
    download: fetches the poses into a data dir; returns the path for the reader.
  """

  name: str
  skeleton: str
  format: str | None
  splits: tuple[tuple[str, str], ...]
  metric: str
  citation: str
  requires: str
  multi_label: bool = False
  further_metrics: tuple[str, ...] = ()
  num_clips: Mapping[str, int] = dataclasses.field(default_factory=dict)
  annotation: Callable[[pathlib.Path], Annotation] | None = None
  download: Callable[[PathLike], pathlib.Path] | None = None


def _download_jhmdb(data_dir: PathLike) -> pathlib.Path:
  from input_pipeline.catalog.jhmdb_download import download_jhmdb

  return download_jhmdb(data_dir)


_PICKLES = 'https://download.openmmlab.com/mmaction/pyskl/data'


def _skeleton_pickle(name: str, file: str, citation: str, **fields: Any) -> Protocol:
  """A data set whose poses PYSKL publishes as a pickle: HRNet's, in two dimensions."""
  path = pathlib.PurePosixPath(file)
  return Protocol(
    name=name,
    skeleton='coco_17',
    format='pyskl',
    metric='accuracy',
    citation=f'{citation}; skeletons: Duan et al., Revisiting skeleton-based action'
    ' recognition, CVPR 2022',
    requires=f"as poses, PYSKL's 2-D skeletons {path.name} ({_PICKLES}/{path}), or"
    f" MMAction2's copy {path.name.replace('_hrnet', '_2d')}"
    + fields.pop('requires', ''),
    **fields,
  )


PROTOCOLS: dict[str, Protocol] = {
  protocol.name: protocol
  for protocol in (
    Protocol(
      name='jhmdb',
      skeleton='jhmdb',
      format='jhmdb_tree',
      splits=(('train1', 'test1'), ('train2', 'test2'), ('train3', 'test3')),
      metric='accuracy',
      citation='Jhuang et al., Towards understanding action recognition, ICCV 2013',
      requires="nothing: JHMDB's annotated joints are downloaded; or, as poses, their"
      ' folder with joint_positions/ and splits/ (joint_positions.zip and splits.zip'
      ' from http://jhmdb.is.tue.mpg.de). For estimated poses in any format, as'
      ' annotations the folder with splits/',
      num_clips={'test1': 268, 'test2': 270, 'test3': 265},
      annotation=split_lists.read,
      download=_download_jhmdb,
    ),
    Protocol(
      name='hmdb51',
      skeleton='coco_17',
      format='pyskl',
      splits=(('train1', 'test1'), ('train2', 'test2'), ('train3', 'test3')),
      metric='accuracy',
      citation='Kuehne et al., HMDB: a large video database for human motion'
      ' recognition, ICCV 2011',
      requires="as poses, PYSKL's skeletons hmdb51_hrnet.pkl, which have the three splits"
      ' (https://download.openmmlab.com/mmaction/pyskl/data/hmdb51/hmdb51_hrnet.pkl);'
      ' or poses for the videos in any format, and as annotations the folder with'
      ' testTrainMulti_7030_splits/ (test_train_splits.rar from'
      ' https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database).'
      ' Maps: tools/extract_poses.py --dataset=hmdb51',
      num_clips={'test1': 1530, 'test2': 1530, 'test3': 1530},
      annotation=split_lists.read,
    ),
    Protocol(
      name='charades',
      skeleton='coco_17',
      format='pyskl',
      splits=(('train', 'val'),),
      metric='charades_mAP',
      citation='Sigurdsson et al., Hollywood in Homes: crowdsourcing data collection'
      ' for activity understanding, ECCV 2016',
      requires='poses for the 9,848 videos in any format, and as annotations the folder'
      ' with Charades_v1_train.csv, Charades_v1_test.csv and Charades_v1_classes.txt'
      ' (Charades.zip from https://prior.allenai.org/projects/charades); or a skeleton'
      " pickle with splits train and val, whose labels are lists; or JMRN's PoTion maps"
      ' (format=jmrn_official)',
      multi_label=True,
      num_clips={'val': 1863},
      annotation=charades.read,
    ),
    Protocol(
      name='mimetics',
      skeleton='coco_17',
      format='pyskl',
      splits=(('train', 'test'),),
      metric='accuracy',
      citation='Weinzaepfel and Rogez, Mimetics: towards understanding human actions out'
      ' of context, IJCV 2021',
      requires="poses for the 713 videos of Mimetics and for Kinetics-400's training"
      ' videos of the same 50 classes, named by youtube_id (or youtube_id_start_end), in'
      ' one file or folder, or several separated by commas; and as annotations the folder'
      ' with mimetics_v1.0.csv (https://europe.naverlabs.com/research/computer-vision/'
      "mimetics) and Kinetics' list of training videos, *train*.csv",
      further_metrics=('top5', 'mAP'),
      num_clips={'test': 713},
      annotation=mimetics.read,
    ),
    Protocol(
      name='ava',
      skeleton='coco_17_and_others',
      format='ava',
      splits=(('train', 'val'),),
      metric='frame_mAP',
      citation='Gu et al., AVA: a video dataset of spatio-temporally localized atomic'
      ' visual actions, CVPR 2018',
      requires='as poses one folder with ava_train_v2.1.csv, ava_val_v2.1.csv, the two'
      ' ava_*_excluded_timestamps_v2.1.csv and'
      ' ava_action_list_v2.1_for_activitynet_2018.pbtxt'
      " (https://research.google.com/ava/download.html), SlowFast's"
      ' ava_val_predicted_boxes.csv (https://dl.fbaipublicfiles.com/'
      'video-long-term-feature-banks/data/ava/annotations/), and your poses for the'
      ' videos: poses.pkl, or poses/VIDEO.pkl each (input_pipeline/readers/formats/ava.py)',
      multi_label=True,
    ),
    Protocol(
      name='penn_action',
      skeleton='penn_action',
      format='penn_action',
      splits=(('train', 'test'),),
      metric='accuracy',
      citation='Zhang et al., From Actemes to Action, ICCV 2013',
      requires='as poses, the folder labels/ from Penn_Action.tar.gz'
      ' (http://dreamdragon.github.io/PennAction)',
      num_clips={'test': 1068},
    ),
    _skeleton_pickle(
      'ntu60',
      'nturgbd/ntu60_hrnet.pkl',
      'Shahroudy et al., NTU RGB+D: a large scale dataset for 3D human activity'
      ' analysis, CVPR 2016',
      # Cross-subject and cross-view.
      splits=(('xsub_train', 'xsub_val'), ('xview_train', 'xview_val')),
      num_clips={'xsub_val': 16487, 'xview_val': 18932},
    ),
    _skeleton_pickle(
      'ntu120',
      'nturgbd/ntu120_hrnet.pkl',
      'Liu et al., NTU RGB+D 120: a large-scale benchmark for 3D human activity'
      ' understanding, TPAMI 2019',
      # Cross-subject and cross-setup.
      splits=(('xsub_train', 'xsub_val'), ('xset_train', 'xset_val')),
      num_clips={'xsub_val': 50919, 'xset_val': 59477},
    ),
    _skeleton_pickle(
      'finegym',
      'gym/gym_hrnet.pkl',
      'Shao et al., FineGym: a hierarchical video dataset for fine-grained action'
      ' understanding, CVPR 2020',
      splits=(('train', 'val'),),
      # Papers report the mean over the 99 classes first.
      further_metrics=('mean_class_accuracy',),
      num_clips={'val': 8521},
    ),
    _skeleton_pickle(
      'diving48',
      'diving48/diving48_hrnet.pkl',
      'Li et al., RESOUND: towards action recognition without representation bias,'
      ' ECCV 2018',
      splits=(('train', 'test'),),
    ),
    _skeleton_pickle(
      'ucf101',
      'ucf101/ucf101_hrnet.pkl',
      'Soomro et al., UCF101: a dataset of 101 human actions classes from videos in the'
      ' wild, 2012',
      splits=(('train1', 'test1'), ('train2', 'test2'), ('train3', 'test3')),
      num_clips={'test1': 3783, 'test2': 3734, 'test3': 3696},
    ),
    _skeleton_pickle(
      'kinetics400',
      'k400/k400_hrnet.pkl',
      'Carreira and Zisserman, Quo vadis, action recognition?, CVPR 2017',
      splits=(('train', 'val'),),
      further_metrics=('top5',),
      requires=', and beside it the folder kpfiles/ with the poses, whose link is in'
      ' https://github.com/kennymckormick/pyskl/blob/main/tools/data/README.md',
    ),
    Protocol(
      name='stick_actions',
      skeleton='jhmdb',
      format=None,
      splits=(('train', 'test'),),
      metric='accuracy',
      citation='ours: stick figures that this library generates',
      requires='nothing: its clips are generated',
    ),
  )
}


def asked_figures(dataset: str) -> tuple[str, ...]:
  """The metrics that a data set's protocol reports; empty for an unknown data set."""
  protocol = PROTOCOLS.get(dataset)
  return (protocol.metric, *protocol.further_metrics) if protocol else ()


# Options of segments that are flags of the export, too.
_SEGMENT_FLAGS = ('window', 'stride', 'background', 'tiers')


def export_command(
  dataset: str,
  representation: str,
  data_dir: PathLike,
  source: Mapping[str, Any] | None = None,
) -> str:
  """The command that exports a data set, with capitals for unknown values.

  Args:
    source: the files and options of an earlier export, see `export/source_record.py`.
  """
  flags = {'dataset': dataset, 'representation': representation, 'data_dir': data_dir}
  protocol = PROTOCOLS.get(dataset)
  if source is not None:
    flags |= _source_flags(source)
  elif protocol is None:
    flags |= {'format': 'FORMAT', 'poses': 'FILE_OR_FOLDER', 'skeleton': 'SKELETON'}
  elif protocol.format and not protocol.download:
    flags |= {'poses': 'FILE_OR_FOLDER'}
  return ' '.join(
    ['python tools/export_dataset.py', *(f'--{k}={v}' for k, v in flags.items())]
  )


def _source_flags(source: Mapping[str, Any]) -> dict[str, Any]:
  flags = {
    'format': source['format'],
    'poses': ','.join(source['poses']),
    'skeleton': source['skeleton'],
    **source['options'],
  }
  if size := source['options'].get('frame_size'):
    flags['frame_size'] = f'{size[1]}x{size[0]}'
  if source.get('annotations'):
    flags['annotations'] = source['annotations']
  if source.get('segments'):
    flags['segments'] = source['segments']
    how = dict(source.get('segment_options', {}))
    how['tiers'] = ','.join(how.get('tiers', ()))
    flags |= {name: how[name] for name in _SEGMENT_FLAGS if how.get(name)}
  return flags
