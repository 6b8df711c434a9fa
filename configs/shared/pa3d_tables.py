"""PA3D's Tables 2 to 5: the rows, the paper's figures, and the settings of each row.

Paper: An Yan et al., PA3D, CVPR 2019; accuracy on split 1, poses estimated by OpenPose.

Settings. The paper does not give T and N for every table; we use:

- Tables 2 and 3: T = 8, N = 6 on both data sets ("all 8 frames", "e.g., N = 6 for each
  joint", Sec. 4.1 on Table 3). Both tables contain 59.3 / 46.7, so Table 2's
  TempPoseConv is the global branch alone. Table 2's PoTion is our colorization of the
  sampled frames with C = 3 colours, as in the PoTion paper. TSN style has no N.
- Table 4: the global branch (the caption names Eq. (1)'s Θ). N = 6 while T changes;
  T = 4 while N changes (caption).
- Table 5: global + dilated ("multi-scale TempPoseConv for all the cases") with the
  chosen T = 4, N = 8 for JHMDB and T = 8, N = 6 for HMDB (Sec. 4.1). Penn Action, which
  the paper does not use, is set up like HMDB. ⊕ concatenates representations before one
  action CNN. ∪ averages the probabilities of separate models (ours: the paper gives no
  formula).
- Three splits: PA3D's rows in JMRN's Table 2, which are means over three splits:
  joints, J ∪ Jdiff and all six ∪. PA3D's Table 5 has the same figures for split 1,
  except 54.7 instead of 55.3 for HMDB's last.

The paper's figures are not fully consistent, so one run here may be compared with two
of them. For JHMDB, Table 3's Global (59.3, 8 frames) and Table 4's T = 8 (55.6) are the
same run; 60.1 is both Table 4's N = 8 (global branch) and global + dilated in Tables 3
and 5. For HMDB the best figure is 54.7 here, but 55.3 in Table 7. Every run's name
therefore gives its T and N.

Options of these sweeps, after a colon: at least one of `table2`, `table3`, `table4`,
`table5`, `splits`. `splits` runs all named tables on each official split, and adds the
rows published that way. `modalities=joints+parts` names the modalities that you have;
rows that need others are left out (default: joints, parts and features; with `small` or
`quick`, which read keypoints, joints and parts). Further options: configs/shared/sweep.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from configs.shared import few_clips, sweep

MODALITIES = ('joints', 'parts', 'features')
RENDERED = ('joints', 'parts')  # modalities that are rendered from keypoints
_DATASETS: tuple[str, ...] = ('jhmdb', 'hmdb51')  # in the order of the paper's columns
_SPLITS_TABLE = 'pa3d_splits'
_MULTI_SCALE = ('global', 'dilated')  # Table 3's best, used in all rows of Table 5


@dataclasses.dataclass(frozen=True)
class _Model:
  """A network in these tables.

  Attributes:
    frames: T.
    outputs: N; 0 for a model without N.
    branches: branches of temporal pose convolution.
    modality: the modalities; several are concatenated.
    temporal: temporal pose convolution, or a baseline, which has no branches.
  """

  frames: int
  outputs: int
  branches: tuple[str, ...] = ()
  modality: tuple[str, ...] = ('joints',)
  temporal: str = 'temporal_pose_conv'

  def stream(self, file: str) -> sweep.Stream:
    words = ['-'.join(self.modality), '-'.join(self.branches) or self.temporal]
    words.append(f't{self.frames}')
    options = [f'modality={"+".join(self.modality)}', f'temporal={self.temporal}']
    if self.branches:
      options.append(f'branches={"+".join(self.branches)}')
    options.append(f'frames={self.frames}')
    if self.outputs:
      words.append(f'n{self.outputs}')
      options.append(f'outputs={self.outputs}')
    return sweep.Stream('_'.join(words), file, tuple(options))


@dataclasses.dataclass(frozen=True)
class _Row:
  """A row: its title, the figures for `_DATASETS` in %, its models; ∪ has several."""

  title: str
  paper: tuple[float, float]
  models: tuple[_Model, ...]

  def missing(self, modalities: tuple[str, ...]) -> set[str]:
    """The modalities that this row needs beyond `modalities`."""
    read = {name for model in self.models for name in model.modality}
    return {name.removesuffix('_diff') for name in read} - set(modalities)

  def on(self, file: str) -> sweep.Row:
    paper = dict(zip(_DATASETS, self.paper, strict=True))
    streams = tuple(model.stream(file) for model in self.models)
    return sweep.Row(self.title, paper, streams)


@dataclasses.dataclass(frozen=True)
class _Table:
  name: str
  title: str
  rows: tuple[_Row, ...]


def sweep_of(arg: str, dataset: str) -> sweep.Sweep:
  """The tables that `arg` names (see the module), for configs/pa3d_<dataset>.py.

  Raises:
    ValueError: for options that contradict each other or leave no row.
  """
  args = sweep.parse_options(
    arg,
    **{name: False for name in _TABLES if name != 'splits'},
    modalities=(),
    choices={'modalities': MODALITIES},
  )
  if not any(args[name] for name in _TABLES):
    raise ValueError(
      f'{arg!r} names no table; give at least one of {", ".join(_TABLES)}, for example'
      f' configs/pa3d_{dataset}_sweep.py:table3'
    )
  setting = few_clips.chosen(args)
  modalities = args.modalities or (RENDERED if setting else MODALITIES)
  if setting and not set(modalities) <= set(RENDERED):
    raise ValueError(
      f'modalities={"+".join(modalities)} needs stored maps, but {setting} reads'
      f' keypoints; leave {setting} out, or use only {", ".join(RENDERED)}'
    )
  tables, notes = [], []
  for table in (t for name in _TABLES if args[name] for t in _TABLES[name](dataset)):
    kept = [row for row in table.rows if not row.missing(modalities)]
    if left_out := [row.title for row in table.rows if row not in kept]:
      notes.append(
        f'{table.title}: left out {", ".join(left_out)}, which need other modalities'
        f' than {"+".join(modalities)}'
      )
    if args.splits and table.name != _SPLITS_TABLE:
      notes.append(f'{table.title}: {sweep.PAPER_HAS_SPLIT_1}')
    if kept:
      rows = tuple(row.on(f'pa3d_{dataset}.py') for row in kept)
      tables.append(sweep.Table(table.name, table.title, rows))
  if not tables:
    raise ValueError(
      f'no row of the tables in {arg!r} can be run with only'
      f' modalities={"+".join(modalities)}; give more modalities, or another table'
    )
  return sweep.make_sweep(tables, args, dataset=dataset, notes=tuple(notes))


def _table2(dataset: str) -> tuple[_Table, ...]:
  """Ways to model time; one table per modality."""
  del dataset  # The setting is the same for all.
  ways = (
    ('TSN style', 'tsn', 0),
    ('3DConv', 'conv3d', 6),
    ('TempConv', 'temporal_conv', 6),
    ('PoTion', 'colorization', 3),
    ('TempPoseConv', 'temporal_pose_conv', 6),
  )
  paper = {
    'joints': ((54.5, 42.3), (55.6, 45.1), (58.5, 45.8), (51.2, 43.4), (59.3, 46.7)),
    'parts': ((58.5, 44.0), (54.5, 44.8), (51.4, 44.7), (50.3, 42.6), (58.6, 47.1)),
    'features': ((38.0, 35.5), (40.5, 40.0), (38.4, 39.3), (38.0, 37.8), (40.5, 40.3)),
  }
  tables = []
  for modality, figures in paper.items():
    rows = []
    for (title, temporal, outputs), of_row in zip(ways, figures, strict=True):
      branches = ('global',) if temporal == 'temporal_pose_conv' else ()
      model = _Model(8, outputs, branches, (modality,), temporal)
      rows.append(_Row(title, of_row, (model,)))
    title = f'PA3D Table 2, {modality}: ways to model time'
    tables.append(_Table(f'pa3d_table2_{modality}', title, tuple(rows)))
  return tuple(tables)


def _table3(dataset: str) -> tuple[_Table, ...]:
  """Branches of temporal pose convolution and their combinations, with the same N."""
  del dataset  # The setting is the same for all.
  rows = (
    ('Global', (59.3, 46.7), ('global',)),
    ('Local', (57.5, 44.9), ('local',)),
    ('Dilated', (58.4, 44.8), ('dilated',)),
    ('Global + Local', (59.7, 44.8), ('global', 'local')),
    ('Global + Dilated', (60.1, 47.8), _MULTI_SCALE),
    ('Global + Dilated + Local', (58.5, 47.1), (*_MULTI_SCALE, 'local')),
  )
  made = tuple(
    _Row(title, paper, (_Model(8, 6, branches),)) for title, paper, branches in rows
  )
  title = 'PA3D Table 3, joints: types of temporal pose convolution'
  return (_Table('pa3d_table3', title, made),)


def _table4(dataset: str) -> tuple[_Table, ...]:
  """T and N; one table each."""
  del dataset  # The setting is the same for all.
  sizes = (2, 4, 6, 8, 12)
  of_frames = ((57.8, 44.6), (56.3, 46.1), (55.3, 45.5), (55.6, 46.8), (50.4, 43.2))
  of_outputs = ((58.2, 43.7), (59.6, 46.3), (56.3, 46.1), (60.1, 46.0), (52.6, 45.7))
  frames = tuple(
    _Row(f'T = {size}', paper, (_Model(size, 6, ('global',)),))
    for size, paper in zip(sizes, of_frames, strict=True)
  )
  outputs = tuple(
    _Row(f'N = {size}', paper, (_Model(4, size, ('global',)),))
    for size, paper in zip(sizes, of_outputs, strict=True)
  )
  return (
    _Table('pa3d_table4_t', 'PA3D Table 4, joints: frames T, with N = 6', frames),
    _Table('pa3d_table4_n', 'PA3D Table 4, joints: outputs N, with T = 4', outputs),
  )


def _table5(dataset: str) -> tuple[_Table, ...]:
  """Streams, and their fusion before the action CNN (⊕) or by scores (∪)."""
  frames, outputs = (4, 8) if dataset == 'jhmdb' else (8, 6)

  def stream(*modality: str) -> _Model:
    return _Model(frames, outputs, _MULTI_SCALE, modality)

  j, p, f = (stream(modality) for modality in MODALITIES)
  j_diff, p_diff, f_diff = (stream(f'{modality}_diff') for modality in MODALITIES)
  rows = (
    _Row('J', (60.1, 47.8), (j,)),
    _Row('Jdiff', (52.6, 46.4), (j_diff,)),
    _Row('P', (61.9, 48.0), (p,)),
    _Row('Pdiff', (50.0, 42.2), (p_diff,)),
    _Row('F', (41.0, 40.9), (f,)),
    _Row('Fdiff', (35.0, 36.2), (f_diff,)),
    _Row('J ⊕ P', (58.7, 47.5), (stream('joints', 'parts'),)),
    _Row('J ∪ P', (65.6, 50.7), (j, p)),
    _Row('J ⊕ Jdiff', (56.2, 45.8), (stream('joints', 'joints_diff'),)),
    _Row('J ∪ Jdiff', (61.2, 50.3), (j, j_diff)),
    _Row('P ∪ Pdiff', (64.9, 49.1), (p, p_diff)),
    _Row('F ∪ Fdiff', (47.7, 45.1), (f, f_diff)),
    _Row('J ∪ P ∪ F', (67.5, 54.1), (j, p, f)),
    _Row('all six ∪', (69.5, 54.7), (j, p, f, j_diff, p_diff, f_diff)),
  )
  title = 'PA3D Table 5: streams, and their fusion by ⊕ or ∪'
  return (_Table('pa3d_table5', title, rows),)


def _splits(dataset: str) -> tuple[_Table, ...]:
  """PA3D's published results over three splits, for rows of Table 5."""
  (table5,) = _table5(dataset)
  paper = {'J': (60.1, 47.8), 'J ∪ Jdiff': (61.2, 50.3), 'all six ∪': (69.5, 55.3)}
  rows = tuple(
    dataclasses.replace(row, paper=paper[row.title])
    for row in table5.rows
    if row.title in paper
  )
  title = "PA3D in JMRN's Table 2: streams, over three splits"
  return (_Table(_SPLITS_TABLE, title, rows),)


_TABLES: dict[str, Callable[[str], tuple[_Table, ...]]] = {
  'table2': _table2,
  'table3': _table3,
  'table4': _table4,
  'table5': _table5,
  'splits': _splits,
}
