"""Every number that an experiment changes has its source written beside it."""

import ast
import importlib
import re

import pytest

from pose_action.cli.launch.print_config import config_text
from pose_action.cli.launch.value_sources import value_sources
from pose_action.training.shipped_configs import load_config
from tests.configs.configs_test import ARGS
from tests.configs.small_settings_test import SMALL

# A paper's section, the official code, DD-Net's two codes, a data set's fact, our choice,
# or an option.
SOURCE = re.compile(
  r'(PA3D|JMRN) (Sec\.|Table|Eq\.)|[Oo]fficial (code|script)|[Dd]ata set: |[Oo]urs\b'
  r"|option |DD-Net's (code|Keras code|port)\b"
)
NO_DEFAULT = ('model.compressed', 'model.outputs')  # Each experiment gives these.
SWEEPS = {
  **dict.fromkeys(
    ('pa3d_jhmdb_sweep', 'pa3d_hmdb51_sweep', 'pa3d_penn_sweep'),
    ('table2,table3,table4,table5',),
  ),
  **dict.fromkeys(
    ('jmrn_table1_sweep', 'jmrn_table7_sweep', 'jmrn_table8_sweep'),
    ('', 'dataset=hmdb51', 'dataset=charades', 'dataset=penn'),
  ),
  **dict.fromkeys(('jmrn_jhmdb_sweep', 'jmrn_hmdb51_sweep'), ('splits',)),
}


def swept_configs() -> set[tuple[str, str]]:
  """(experiment, options) for the runs of all sweeps, whole and small."""
  found = set()
  for name, args in SWEEPS.items():
    get_sweep = importlib.import_module(f'configs.{name}').get_sweep
    for arg in args:
      try:
        sweeps = [get_sweep(arg), get_sweep(f'{arg},small,development'.strip(','))]
      except ValueError:  # No small setting, or it excludes the splits.
        sweeps = [get_sweep(arg)]
      for run in (run for sweep in sweeps for run in sweep.runs):
        file, _, options = run.config.partition(':')
        found.add((file.removeprefix('configs/').removesuffix('.py'), options))
  return found


CONFIGS: dict[str, list[str]] = {}
for experiment, options in (
  *ARGS,
  *swept_configs(),
  *((name, f'{size},test=false') for name in SMALL for size in ('small', 'quick')),
  ('jmrn_jhmdb', 'quick,as_published,paa=rotation'),
  ('jmrn_penn', 'quick,model=potion_deeper'),
):
  CONFIGS.setdefault(experiment, []).append(options)


def is_number(value) -> bool:
  if isinstance(value, tuple):
    return bool(value) and all(map(is_number, value))
  return isinstance(value, int | float) and not isinstance(value, bool)


def numbers_without_source(config: str) -> list[str]:
  sources = value_sources(config)
  without = []
  for line in config_text(load_config(config), sources).splitlines():
    name, _, rest = line[2:].partition(': ')
    if line.startswith('* ') or name in NO_DEFAULT:
      value = ast.literal_eval(rest.partition('  # ')[0])
      if is_number(value) and not SOURCE.search(sources.get(name, '')):
        without.append(f'{config}: {name} = {value}: {sources.get(name)}')
  return without


def test_the_sweeps_are_covered():
  assert len(swept_configs()) > 150
  assert any(options.startswith('small') for options in CONFIGS['potion_jhmdb'])


@pytest.mark.parametrize('experiment', CONFIGS)
def test_every_changed_number_has_a_source(experiment):
  without = [
    line
    for options in CONFIGS[experiment]
    for line in numbers_without_source(f'{experiment}:{options}')
  ]
  assert not without, 'write the source beside these numbers:\n' + '\n'.join(without)


def test_a_number_without_source_is_found(tmp_path):
  file = tmp_path / 'own.py'
  file.write_text(
    'from configs import demo\n'
    'def get_config(arg):\n'
    '  config = demo.get_config().unlock()\n'
    '  config.train.epochs = 3  # fewer\n'
    '  config.data.num_frames = 4\n'
    '  config.eval.batch_size = 8\n'
    '  config.augment.shift = 0.1  # ours\n'
    '  return config\n'
  )
  assert numbers_without_source(f'{file}:x') == [
    f'{file}:x: train.epochs = 3: fewer',
    f'{file}:x: eval.batch_size = 8: None',
  ]
