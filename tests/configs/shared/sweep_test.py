"""The sweeps: their runs, that each run's config loads, and the paper's figures."""

import importlib
import inspect

import pytest

from configs.shared import options

SWEEPS = ('jmrn_table1_sweep', 'jmrn_table7_sweep', 'jmrn_table8_sweep')
# JMRN Tables 1, 7 and 8: JHMDB and HMDB accuracy on split 1, Charades mAP.
PAPER = {
  'jmrn_table1_sweep': {
    'PoTion baseline': (59.44, 42.04, 13.54),
    'JMRN': (66.70, 48.71, 15.00),
    'JMRN + PAA': (69.81, 52.02, 15.79),
    'JMRN + PAA + contrastive': (71.08, 54.05, 16.2),
  },
  'jmrn_table7_sweep': {
    'Deeper baseline': (66.38, 49.25, 14.88),
    'JMRN': (71.08, 54.05, 16.2),
  },
  'jmrn_table8_sweep': {
    'Non-Siamese': (65.98, 51.66, 14.93),
    'JMRN': (71.08, 54.05, 16.2),
  },
}
ARGS = (
  *('', 'small', 'quick', 'development', 'small,development', 'development,folds=1+4'),
  *('dataset=hmdb51', 'dataset=hmdb51,development'),
  *('dataset=charades', 'dataset=charades,development'),
  *('dataset=penn', 'dataset=penn,small,development'),
)
each_sweep = pytest.mark.parametrize('sweep', SWEEPS)


def module_of(sweep):
  return importlib.import_module(f'configs.{sweep}')


def sweep_of(sweep, arg=''):
  return module_of(sweep).get_sweep(arg)


def runs_of(sweep, arg=''):
  return sweep_of(sweep, arg).runs


def config_of(run):
  """The config that `main.py --config` loads for a run."""
  path, _, options = run.config.partition(':')
  folder, _, file = path.partition('/')
  assert folder == 'configs'
  module = importlib.import_module(f'configs.{file.removesuffix(".py")}')
  return module.get_config(options)


@pytest.mark.parametrize('arg', ARGS)
@each_sweep
def test_every_run_has_a_name_and_a_config_that_loads(sweep, arg):
  runs = runs_of(sweep, arg)
  assert len({run.name for run in runs}) == len(runs)
  assert len({run.config for run in runs}) == len(runs)
  folds = 3 if 'folds' not in arg and 'development' in arg else 1 + ('folds' in arg)
  assert len(runs) == folds * len(PAPER[sweep])
  configs = [config_of(run).to_dict() for run in runs]
  for config in configs:
    assert configs.count(config) == 1
    assert (config['data']['test_split'] == '') == ('development' in arg)
    assert (config['data']['map_size'] == (32, 32)) == (
      'small' in arg or 'quick' in arg
    )
    assert config['augment']['views'] == 2


@each_sweep
@pytest.mark.parametrize('column', [0, 1, 2], ids=['jhmdb', 'hmdb51', 'charades'])
def test_the_figures_are_the_paper_s(sweep, column):
  dataset = ('jhmdb', 'hmdb51', 'charades')[column]
  made = sweep_of(sweep, f'dataset={dataset}')
  (table,) = made.tables
  assert made.dataset == dataset
  assert [(row.title, row.paper[dataset]) for row in table.rows] == [
    (row, figures[column]) for row, figures in PAPER[sweep].items()
  ]
  assert [row.samples for row in table.rows] == [((run.name,),) for run in made.runs]
  assert {config_of(run).data.dataset for run in made.runs} == {dataset}


def test_folds_of_a_row_come_in_turn_and_are_held_out():
  runs = runs_of('jmrn_table8_sweep', 'development,folds=1+4')
  assert [run.name for run in runs] == [
    *('jmrn_non_siamese_fold1', 'jmrn_non_siamese_fold4'),
    *('jmrn_paa_contrastive_fold1', 'jmrn_paa_contrastive_fold4'),
  ]
  assert runs[1].config == 'configs/jmrn_jhmdb.py:fold=4,test=false,siamese=false'
  assert [config_of(run).data.validation_fold for run in runs] == [1, 4, 1, 4]
  assert {config_of(run).data.train_split for run in runs} == {'train1'}
  default = runs_of('jmrn_table1_sweep', 'small,development')
  assert [config_of(run).data.validation_fold for run in default] == 4 * [0, 1, 2]


def test_seeds_come_within_folds_and_the_default_leaves_no_mark():
  made = sweep_of('jmrn_table8_sweep', 'development,folds=1+4,seeds=0+2')
  assert [(run.name, run.flags) for run in made.runs[:4]] == [
    ('jmrn_non_siamese_fold1', ()),
    ('jmrn_non_siamese_fold1_seed2', ('--config.seed=2',)),
    ('jmrn_non_siamese_fold4', ()),
    ('jmrn_non_siamese_fold4_seed2', ('--config.seed=2',)),
  ]
  assert [name for (name,) in made.tables[0].rows[0].samples] == [
    run.name for run in made.runs[:4]
  ]
  assert {run.config for run in made.runs} == {
    run.config for run in runs_of('jmrn_table8_sweep', 'development,folds=1+4')
  }


def test_the_tables_share_their_runs_and_differ_in_nothing_of_the_same_name():
  runs = [run for sweep in SWEEPS for run in runs_of(sweep)]
  by_name = {run.name: run for run in runs}
  assert all(by_name[run.name] == run for run in runs)
  assert len({run.config for run in by_name.values()}) == len(by_name) == 6


@pytest.mark.parametrize('dataset', ['jhmdb', 'hmdb51', 'charades'])
def test_table_1_adds_one_thing_after_another(dataset):
  potion, plain, moved, whole = map(
    config_of, runs_of('jmrn_table1_sweep', f'dataset={dataset}')
  )
  assert (potion.model.name, potion.model.temporal) == ('pa3d', 'potion')
  assert potion.model.convolutions == 2
  assert plain.model.name == 'jmrn'
  for config in (potion, plain):
    motion = config.augment.pose_aware
    assert (motion.global_shift, motion.group_shift, motion.rotation) == (0, 0, 0)
  assert moved.augment.pose_aware.global_shift > 0
  assert [c.train.contrastive.weight > 0 for c in (potion, plain, moved, whole)] == [
    *(False, False, False, True)
  ]
  assert moved.augment.to_dict() == whole.augment.to_dict()
  assert plain.model.to_dict() == moved.model.to_dict() == whole.model.to_dict()
  for section in ('data', 'optimizer', 'eval'):  # These are the same for all.
    assert len({config[section].to_json() for config in (potion, plain, whole)}) == 1


@pytest.mark.parametrize('dataset', ['jhmdb', 'hmdb51', 'charades'])
def test_tables_7_and_8_change_the_network_alone(dataset):
  deeper, jmrn = map(config_of, runs_of('jmrn_table7_sweep', f'dataset={dataset}'))
  assert (deeper.model.temporal, deeper.model.convolutions) == ('potion', 3)
  assert deeper.augment.to_dict() == jmrn.augment.to_dict()  # Sec. 4.3
  assert deeper.train.contrastive.weight == 0  # It has no joints to contrast.
  apart, shared = map(config_of, runs_of('jmrn_table8_sweep', f'dataset={dataset}'))
  assert shared.to_dict() == jmrn.to_dict()
  with apart.unlocked():
    apart.model.siamese = True
  assert apart.to_dict() == shared.to_dict()


@pytest.mark.parametrize(('dataset', 'paper'), [('jhmdb', 68.55), ('hmdb51', 54.2)])
def test_three_splits_are_three_runs_of_one_row(dataset, paper):
  made = sweep_of(f'jmrn_{dataset}_sweep', 'splits')
  assert made.setting == f'{dataset}, official splits 1 to 3'
  (table,) = made.tables
  (row,) = table.rows
  assert (row.paper[dataset], made.dataset) == (paper, dataset)
  assert row.samples == tuple((run.name,) for run in made.runs)
  assert [run.name for run in made.runs] == [
    f'jmrn_paa_contrastive_split{split}' for split in (1, 2, 3)
  ]
  configs = [config_of(run) for run in made.runs]
  for split, config in enumerate(configs, start=1):
    assert config.data.train_split == f'train{split}'
    assert config.data.test_split == f'test{split}'
    with config.unlocked():
      config.data.train_split = config.data.test_split = ''
  assert configs[0].to_dict() == configs[1].to_dict() == configs[2].to_dict()
  # Without `splits` it is the run that Tables 1, 7 and 8 share.
  alone = sweep_of(f'jmrn_{dataset}_sweep')
  assert alone.runs == runs_of('jmrn_table8_sweep', f'dataset={dataset}')[1:]


def test_splits_are_of_any_sweep_and_come_with_seeds():
  runs = runs_of('jmrn_table8_sweep', 'splits,small,seeds=0+5')
  assert [run.name for run in runs[:3]] == [
    *('jmrn_non_siamese_split1', 'jmrn_non_siamese_split1_seed5'),
    'jmrn_non_siamese_split2',
  ]
  assert len(runs) == 2 * 3 * 2
  assert runs[2].config == 'configs/jmrn_jhmdb.py:small,split=2,siamese=false'


@pytest.mark.parametrize('dataset', ['jhmdb', 'hmdb51'])
def test_the_header_gives_the_command_of_three_splits(dataset):
  header = inspect.getdoc(module_of(f'jmrn_{dataset}_sweep')) or ''
  assert f'--config=configs/jmrn_{dataset}_sweep.py:splits' in header
  assert 'configs/shared/sweep.py' in header


@pytest.mark.parametrize(
  ('arg', 'message'),
  [
    (
      'splits,development',
      'splits runs on the test clips, development on training clips; give only one',
    ),
    (
      'splits,dataset=charades',
      'charades has only one split; leave splits out, or .* hmdb51',
    ),
    ('dataset=pen', r'gives dataset=.pen.; allowed: jhmdb, hmdb51, charades, penn'),
    ('dataset=hmdb51,small', 'no small setting for hmdb51; leave small out'),
    ('dataset=hmdb51,quick', 'no quick setting for hmdb51; leave quick out'),
    ('small,quick', 'gives small and quick, .* give only quick'),
    ('folds=0', 'folds=0 needs the option development; add it'),
    ('development,folds=0+5', 'gives folds=.5.; allowed: 0, 1, 2, 3, 4'),
    ('development,folds=2+2', r'folds=2\+2 repeats a fold; give each once'),
    ('seeds=0+x', r'seeds=0\+x contains .x., but a seed must be a whole number ≥ 0'),
    ('seeds=0+-1', r'contains .-1., but a seed must be a whole number ≥ 0'),
    ('seeds=1+01', r'seeds=1\+01 repeats a seed; give each once'),
    ('develop', "did you mean 'development'"),
  ],
)
def test_options_that_contradict_each_other_are_refused(arg, message):
  with pytest.raises(ValueError, match=message):
    runs_of('jmrn_table1_sweep', arg)


@each_sweep
def test_the_header_gives_the_command(sweep):
  header = inspect.getdoc(module_of(sweep))
  assert header
  command = f'python tools/run_sweep.py --config=configs/{sweep}.py:small,development'
  assert command in header
  assert 'docs/results.md' in header


def test_the_options_are_named_where_headers_send_the_reader(monkeypatch):
  asked = {}
  parse_arg = options.parse_arg

  def spy(arg, **defaults):
    asked.update(defaults)
    return parse_arg(arg, **defaults)

  monkeypatch.setattr(options, 'parse_arg', spy)
  runs_of('jmrn_table1_sweep')
  shared = inspect.getdoc(importlib.import_module('configs.shared.sweep'))
  own = inspect.getdoc(importlib.import_module('configs.shared.jmrn_tables'))
  assert shared and own and 'configs/shared/sweep.py' in own
  assert 'configs/shared/jmrn_tables.py' in (
    inspect.getdoc(module_of('jmrn_table1_sweep')) or ''
  )
  del asked['choices']
  assert asked
  for option in asked:
    assert f'`{option}' in shared + own
