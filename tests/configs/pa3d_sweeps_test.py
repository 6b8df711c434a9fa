"""PA3D's Tables 2 to 5 as sweeps: the paper's figures, settings and runs per row."""

import importlib
import inspect

import pytest

from configs.shared import options

DATASETS = ('jhmdb', 'hmdb51', 'penn')
ALL_TABLES = 'table2,table3,table4,table5'
# JHMDB and HMDB, split 1.
PAPER = {
  'pa3d_table2_joints': {
    'TSN style': (54.5, 42.3),
    '3DConv': (55.6, 45.1),
    'TempConv': (58.5, 45.8),
    'PoTion': (51.2, 43.4),
    'TempPoseConv': (59.3, 46.7),
  },
  'pa3d_table2_parts': {
    'TSN style': (58.5, 44.0),
    '3DConv': (54.5, 44.8),
    'TempConv': (51.4, 44.7),
    'PoTion': (50.3, 42.6),
    'TempPoseConv': (58.6, 47.1),
  },
  'pa3d_table2_features': {
    'TSN style': (38.0, 35.5),
    '3DConv': (40.5, 40.0),
    'TempConv': (38.4, 39.3),
    'PoTion': (38.0, 37.8),
    'TempPoseConv': (40.5, 40.3),
  },
  'pa3d_table3': {
    'Global': (59.3, 46.7),
    'Local': (57.5, 44.9),
    'Dilated': (58.4, 44.8),
    'Global + Local': (59.7, 44.8),
    'Global + Dilated': (60.1, 47.8),
    'Global + Dilated + Local': (58.5, 47.1),
  },
  'pa3d_table4_t': {
    'T = 2': (57.8, 44.6),
    'T = 4': (56.3, 46.1),
    'T = 6': (55.3, 45.5),
    'T = 8': (55.6, 46.8),
    'T = 12': (50.4, 43.2),
  },
  'pa3d_table4_n': {
    'N = 2': (58.2, 43.7),
    'N = 4': (59.6, 46.3),
    'N = 6': (56.3, 46.1),
    'N = 8': (60.1, 46.0),
    'N = 12': (52.6, 45.7),
  },
  'pa3d_table5': {
    'J': (60.1, 47.8),
    'Jdiff': (52.6, 46.4),
    'P': (61.9, 48.0),
    'Pdiff': (50.0, 42.2),
    'F': (41.0, 40.9),
    'Fdiff': (35.0, 36.2),
    'J ⊕ P': (58.7, 47.5),
    'J ∪ P': (65.6, 50.7),
    'J ⊕ Jdiff': (56.2, 45.8),
    'J ∪ Jdiff': (61.2, 50.3),
    'P ∪ Pdiff': (64.9, 49.1),
    'F ∪ Fdiff': (47.7, 45.1),
    'J ∪ P ∪ F': (67.5, 54.1),
    'all six ∪': (69.5, 54.7),
  },
}
WITH_FEATURES = ('F', 'Fdiff', 'F ∪ Fdiff', 'J ∪ P ∪ F', 'all six ∪')
each_dataset = pytest.mark.parametrize('dataset', DATASETS)


def module_of(dataset):
  return importlib.import_module(f'configs.pa3d_{dataset}_sweep')


def sweep_of(dataset, arg):
  return module_of(dataset).get_sweep(arg)


def titles_of(sweep):
  return {table.name: [row.title for row in table.rows] for table in sweep.tables}


def config_of(run):
  """The config that `main.py --config` loads for a run."""
  path, _, options = run.config.partition(':')
  module = path.removeprefix('configs/').removesuffix('.py')
  return importlib.import_module(f'configs.{module}').get_config(options)


@each_dataset
def test_the_figures_are_the_paper_s(dataset):
  tables = sweep_of(dataset, ALL_TABLES).tables
  assert {
    table.name: {row.title: tuple(row.paper.values()) for row in table.rows}
    for table in tables
  } == PAPER
  assert {tuple(row.paper) for t in tables for row in t.rows} == {('jhmdb', 'hmdb51')}


@each_dataset
def test_a_run_that_several_rows_ask_for_is_made_once(dataset):
  runs = sweep_of(dataset, ALL_TABLES).runs
  assert len({run.name for run in runs}) == len(runs)
  assert len({run.config for run in runs}) == len(runs)
  # Table 2: 15. Table 3: 6, one of which is in Table 2. Table 4: 9, of which T = 8 is
  # in Table 3. Table 5: 6 single streams and 2 ⊕; for HMDB, J is in Table 3.
  assert len(runs) == 15 + 5 + 8 + (8 if dataset == 'jhmdb' else 7)


@pytest.mark.parametrize(
  ('dataset', 'options'),
  [
    *(
      ('jhmdb', ''),
      ('jhmdb', ',small,development,folds=1'),
      ('hmdb51', ',development'),
    ),
    *(('penn', ''), ('penn', ',small,development')),
  ],
)
def test_every_run_is_a_config_that_loads_and_no_two_are_alike(dataset, options):
  runs = sweep_of(dataset, ALL_TABLES + options).runs
  configs = [config_of(run).to_dict() for run in runs]
  for run, config in zip(runs, configs, strict=True):
    assert configs.count(config) == 1, run.name
    assert (config['data']['test_split'] == '') == ('development' in options)
    assert (config['data']['map_size'] == (32, 32)) == ('small' in options)
    assert f'_t{config["data"]["num_frames"]}' in run.name
    assert config['model']['temporal'] == 'tsn' or (
      f'_n{config["model"]["outputs"]}' in run.name
    )
    assert run.name.startswith('-'.join(config['data']['modalities']))
  assert {config['data']['validation_fold'] for config in configs} == (
    {1} if 'folds' in options else {0, 1, 2} if 'development' in options else {0}
  )


def test_what_a_row_trains():
  made = sweep_of('jhmdb', ALL_TABLES)
  config = {run.name: run.config.partition(':')[2] for run in made.runs}
  rows = {(table.name, row.title): row for table in made.tables for row in table.rows}
  assert {run.config.partition(':')[0] for run in made.runs} == {
    'configs/pa3d_jhmdb.py'
  }

  def options(table, title):
    return [config[name] for name in rows[f'pa3d_{table}', title].samples[0]]

  def pose_conv(branches, frames, outputs, modality='joints'):
    return (
      f'modality={modality},temporal=temporal_pose_conv,branches={branches}'
      f',frames={frames},outputs={outputs}'
    )

  assert options('table2_joints', 'TSN style') == [
    'modality=joints,temporal=tsn,frames=8'
  ]
  assert options('table2_parts', 'PoTion') == [
    'modality=parts,temporal=colorization,frames=8,outputs=3'
  ]
  assert options('table2_features', '3DConv') == [
    'modality=features,temporal=conv3d,frames=8,outputs=6'
  ]
  assert options('table2_joints', 'TempPoseConv') == [pose_conv('global', 8, 6)]
  assert options('table3', 'Global') == [pose_conv('global', 8, 6)]
  assert options('table3', 'Global + Dilated + Local') == [
    pose_conv('global+dilated+local', 8, 6)
  ]
  assert options('table4_t', 'T = 12') == [pose_conv('global', 12, 6)]
  assert options('table4_n', 'N = 12') == [pose_conv('global', 4, 12)]
  assert options('table5', 'J ⊕ Jdiff') == [
    pose_conv('global+dilated', 4, 8, 'joints+joints_diff')
  ]
  assert options('table5', 'all six ∪') == [
    pose_conv('global+dilated', 4, 8, modality)
    for modality in (
      *('joints', 'parts', 'features'),
      *('joints_diff', 'parts_diff', 'features_diff'),
    )
  ]


@pytest.mark.parametrize(('dataset', 'size'), [('hmdb51', 't8_n6'), ('penn', 't8_n6')])
def test_table_5_takes_the_data_set_s_own_t_and_n(dataset, size):
  rows = sweep_of(dataset, 'table5').tables[0].rows
  assert rows[7].title == 'J ∪ P'
  assert rows[7].samples == (
    (f'joints_global-dilated_{size}', f'parts_global-dilated_{size}'),
  )


def test_streams_are_fused_within_a_fold_and_seed():
  made = sweep_of('jhmdb', 'table5,small,development,folds=0+3,seeds=0+1')
  row = next(row for row in made.tables[0].rows if row.title == 'J ∪ Jdiff')
  assert row.samples == tuple(
    tuple(
      f'{stream}_global-dilated_t4_n8_{sample}' for stream in ('joints', 'joints_diff')
    )
    for sample in ('fold0', 'fold0_seed1', 'fold3', 'fold3_seed1')
  )
  assert made.setting == 'jhmdb, small, development folds'
  of_one = {run.name: run for run in made.runs}[
    'joints_global-dilated_t4_n8_fold3_seed1'
  ]
  assert of_one.flags == ('--config.seed=1',)
  assert of_one.config.startswith(
    'configs/pa3d_jhmdb.py:small,fold=3,test=false,modality'
  )


def test_rows_that_need_what_is_not_at_hand_are_left_out_and_named():
  made = sweep_of('jhmdb', f'{ALL_TABLES},modalities=joints+parts')
  expected = {name: list(rows) for name, rows in PAPER.items()}
  del expected['pa3d_table2_features']
  expected['pa3d_table5'] = [t for t in PAPER['pa3d_table5'] if t not in WITH_FEATURES]
  assert titles_of(made) == expected
  assert not any('features' in run.config for run in made.runs)
  assert made.notes == (
    'PA3D Table 2, features: ways to model time: left out TSN style, 3DConv, TempConv,'
    ' PoTion, TempPoseConv, which need other modalities than joints+parts',
    f'{made.tables[-1].title}: left out {", ".join(WITH_FEATURES)}, which need other'
    ' modalities than joints+parts',
  )
  joints = sweep_of('jhmdb', 'table5,modalities=joints')
  assert titles_of(joints)['pa3d_table5'] == ['J', 'Jdiff', 'J ⊕ Jdiff', 'J ∪ Jdiff']


def test_small_reads_keypoints_which_have_no_features():
  assert sweep_of('penn', 'table5,small') == sweep_of(
    'penn', 'table5,small,modalities=joints+parts'
  )
  assert sweep_of('penn', 'table3').notes == ()


def test_three_splits_have_the_rows_that_are_published_so():
  made = sweep_of('hmdb51', 'splits')
  (table,) = made.tables
  assert {row.title: tuple(row.paper.values()) for row in table.rows} == {
    'J': (60.1, 47.8),
    'J ∪ Jdiff': (61.2, 50.3),
    'all six ∪': (69.5, 55.3),  # Not Table 5's 54.7.
  }
  assert made.notes == ()
  assert table.rows[1].samples == tuple(
    tuple(
      f'{stream}_global-dilated_t8_n6_split{split}'
      for stream in ('joints', 'joints_diff')
    )
    for split in (1, 2, 3)
  )
  assert [config_of(run).data.test_split for run in made.runs] == 6 * [
    *('test1', 'test2', 'test3')
  ]
  both = sweep_of('jhmdb', 'table3,splits,modalities=joints')
  assert [table.name for table in both.tables] == ['pa3d_table3', 'pa3d_splits']
  assert len(both.runs) == 3 * (6 + 2)
  assert both.notes[0].endswith(
    "the paper's figures are for split 1, ours the mean of three"
  )
  assert both.notes[1].endswith(
    'left out all six ∪, which need other modalities than joints'
  )


@pytest.mark.parametrize(
  ('dataset', 'arg', 'message'),
  [
    ('jhmdb', '', "'' names no table; give at least one of table2, table3, table4"),
    ('penn', 'small', r'for example configs/pa3d_penn_sweep\.py:table3'),
    ('hmdb51', 'table3,small', 'no small setting for hmdb51; leave small out'),
    ('hmdb51', 'table3,quick', 'no quick setting for hmdb51; leave quick out'),
    ('jhmdb', 'table3,modalities=parts', 'no row .* with only modalities=parts; give'),
    ('jhmdb', 'table3,modalities=limbs', 'allowed: joints, parts, features'),
    ('penn', 'table5,small,modalities=features', 'needs stored maps, but small reads'),
    ('penn', 'splits', 'penn has only one split; leave splits out'),
    ('jhmdb', 'table6', "did you mean 'table"),
  ],
)
def test_options_that_contradict_each_other_are_refused(dataset, arg, message):
  with pytest.raises(ValueError, match=message):
    sweep_of(dataset, arg)


@each_dataset
def test_the_header_gives_the_command(dataset):
  header = inspect.getdoc(module_of(dataset)) or ''
  small = '' if dataset == 'hmdb51' else 'small,'
  config = f'configs/pa3d_{dataset}_sweep.py:table3,{small}development'
  assert f'python tools/run_sweep.py --config={config}' in header
  assert 'python tools/report.py' in header
  assert 'docs/results.md' in header
  assert 'configs/shared/pa3d_tables.py' in header


def test_the_options_are_named_where_headers_send_the_reader(monkeypatch):
  asked = {}
  parse_arg = options.parse_arg

  def spy(arg, **defaults):
    asked.update(defaults)
    return parse_arg(arg, **defaults)

  monkeypatch.setattr(options, 'parse_arg', spy)
  sweep_of('jhmdb', 'table3')
  own, shared = (
    inspect.getdoc(importlib.import_module(f'configs.shared.{name}')) or ''
    for name in ('pa3d_tables', 'sweep')
  )
  assert 'configs/shared/sweep.py' in own
  del asked['choices']
  for option in asked:
    assert f'`{option}' in own + shared
