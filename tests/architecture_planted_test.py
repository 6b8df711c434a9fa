"""The rules of architecture_test.py find what is planted, and only that."""

import pytest

from tests.architecture_test import (
  MESH_FILE,
  RULES,
  circles,
  crowded_folders,
  data_code_in_model_rooms,
  imports_of_what_is_none_of_its_business,
  imports_that_run_up,
  libraries_in_configs,
  libraries_outside_their_files,
  long_files,
  long_functions,
  mesh_code_outside_sharding,
  vague_file_names,
)

RUN = 'pose_action/training/run.py'


@pytest.mark.parametrize(
  ('rule', 'file', 'source'),
  [
    (
      imports_that_run_up,
      'input_pipeline/maps/a.py',
      'from pose_action.training import step',
    ),
    (
      imports_that_run_up,
      'input_pipeline/poses/a.py',
      'from input_pipeline.maps import potion',
    ),
    (
      imports_that_run_up,
      'input_pipeline/readers/files/a.py',
      'from input_pipeline.readers.videos.source import x',
    ),
    (
      imports_that_run_up,
      'input_pipeline/readers/options.py',
      'from input_pipeline.readers import registry',
    ),
    (
      imports_that_run_up,
      'pose_action/training/a.py',
      'def f():\n  import pose_action.inference.x',
    ),
    (imports_that_run_up, 'pose_action/sweeps/a.py', 'import pose_action.cli.predict'),
    (imports_that_run_up, 'pose_action/cli/a.py', 'import tools.predict'),
    (imports_that_run_up, RUN, "import_module('pose_action.sweeps.table')"),
    (imports_that_run_up, 'pose_action/host/a.py', 'import input_pipeline.errors'),
    (
      imports_that_run_up,
      'pose_action/plots/__init__.py',
      'from pose_action import cli',
    ),
    (imports_that_run_up, 'pa3d_jax/a.py', 'from jmrn_jax.model import Jmrn'),
    (imports_that_run_up, 'jmrn_jax/a.py', 'from input_pipeline.maps import potion'),
    (
      imports_of_what_is_none_of_its_business,
      'jmrn_jax/a.py',
      'from pa3d_jax.model import PA3D',
    ),
    (imports_of_what_is_none_of_its_business, 'pa3d_jax/a.py', 'import configs.demo'),
    (
      imports_of_what_is_none_of_its_business,
      'input_pipeline/maps/a.py',
      'import pa3d_jax.model',
    ),
    (
      imports_of_what_is_none_of_its_business,
      'pose_action/extraction/a.py',
      'from pose_action.training import step',
    ),
    (data_code_in_model_rooms, 'jmrn_jax/a.py', 'import grain'),
    (libraries_in_configs, 'configs/a.py', 'import jax.numpy as jnp'),
    (libraries_in_configs, 'configs/shared/a.py', 'import pose_action'),
    (libraries_outside_their_files, RUN, 'import orbax.checkpoint as ocp'),
    (libraries_outside_their_files, 'main.py', 'from clu import metric_writers'),
    (
      libraries_outside_their_files,
      'tools/a.py',
      'def f():\n  import tensorflow as tf',
    ),
    (
      libraries_outside_their_files,
      'pose_action/runtime/writers.py',
      'from clu import metric_writers',
    ),
    (
      libraries_outside_their_files,
      'pose_action/runtime/writers.py',
      'from tensorboard.compat import tf',
    ),
    (
      libraries_outside_their_files,
      'pose_action/extraction/openpose.py',
      'import tensorflow',
    ),
    (mesh_code_outside_sharding, 'main.py', 'jax.make_mesh((8,), ("data",))'),
    (
      mesh_code_outside_sharding,
      'tools/a.py',
      'from jax.sharding import PartitionSpec as P',
    ),
    (mesh_code_outside_sharding, RUN, 'mesh = jax.sharding.Mesh(devices)'),
    (mesh_code_outside_sharding, RUN, 'f(sharding.NamedSharding)'),
    (vague_file_names, 'tools/utils.py', ''),
    (vague_file_names, 'pose_action/training/data_helpers.py', ''),
    (vague_file_names, 'pose_action/common2/a.py', ''),
    (long_files, 'tools/a.py', 'x = 1\n' * 401),
    (long_files, 'main.py', 'x = 1\n' * 80),
    (long_functions, 'tools/a.py', 'def f():\n' + '  x = 1\n' * 60),
    (
      long_functions,
      'jmrn_jax/a.py',
      'class A:\n  async def f(self):\n' + '    x = 1\n' * 60,
    ),
    (long_functions, RUN, 'def f(\n  a,\n):\n  """A.\n' + '\n' * 57 + '  """'),
  ],
)
def test_planted_offence_is_found(tmp_path, rule, file, source):
  plant(tmp_path, file, source)
  (offence,) = rule(tmp_path)
  assert offence.startswith(file)


def plant(root, file, source=''):
  (root / file).parent.mkdir(parents=True, exist_ok=True)
  (root / file).write_text(source)


def test_a_planted_circle_is_found(tmp_path):
  room = 'input_pipeline/maps'
  plant(tmp_path, f'{room}/a.py', 'from input_pipeline.maps import b')
  plant(tmp_path, f'{room}/b.py', 'def f():\n  from input_pipeline.maps.c import x')
  plant(tmp_path, f'{room}/c.py', 'import input_pipeline.maps.a')
  (offence,) = circles(tmp_path)
  assert offence.startswith(f'{room}/a.py → {room}/b.py → {room}/c.py → {room}/a.py')
  (tmp_path / room / 'c.py').write_text('')
  assert not circles(tmp_path)


@pytest.mark.parametrize(
  ('folder', 'most'),
  [('pose_action/sweeps', 15), ('configs', 40), ('configs/shared', 15)],
)
def test_a_crowded_folder_is_found(tmp_path, folder, most):
  plant(tmp_path, f'{folder}/__init__.py')
  for number in range(most):
    plant(tmp_path, f'{folder}/a{number}.py')
  assert crowded_folders(tmp_path) == []
  plant(tmp_path, f'{folder}/one_more.py')
  assert crowded_folders(tmp_path) == [
    f'{folder} has {most + 1} files, at most {most} are allowed: make rooms in it'
  ]


@pytest.mark.parametrize(
  ('file', 'source'),
  [
    ('tools/a.py', 'from pose_action.cli.predict import main'),
    ('pose_action/cli/a.py', 'from pose_action.inference.predictor import Predictor'),
    ('pose_action/evaluation/a.py', 'from pose_action.plots import drawing'),
    ('input_pipeline/storage/a.py', 'from pose_action.host import atomic_files'),
    (RUN, 'from jmrn_jax.contrastive import joint_contrastive_loss'),
    (RUN, 'import configs.demo\nfrom . import step'),
    (
      RUN,
      'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  import pose_action.cli.a',
    ),
    ('pose_action/training/checkpoints.py', 'import orbax.checkpoint as ocp'),
    (
      'pose_action/runtime/event_writer.py',
      'from tensorboard.summary.writer.record_writer import RecordWriter',
    ),
    ('pose_action/extraction/tf_graph.py', 'def f():\n  import tensorflow as tf'),
    ('pose_action/extraction/a.py', 'from pose_action.runtime import sharding'),
    (MESH_FILE, 'from jax.sharding import Mesh\njax.make_mesh(Mesh)'),
    (RUN, 'from jax.sharding import Mesh\ndef f(m: Mesh): pass'),
    (RUN, 'from pose_action.runtime import sharding\nsharding.make_mesh()'),
    ('input_pipeline/storage/a.py', 'import tensorflow_datasets as tfds'),
    ('configs/a.py', 'import ml_collections\nfrom configs.shared import base'),
    ('main.py', 'x = 1\n' * 79),
    ('tools/a.py', 'x = 1\n' * 400),
    ('tools/a.py', ('def f():\n' + '  x = 1\n' * 59) * 2),
  ],
)
def test_what_is_allowed_passes(tmp_path, file, source):
  plant(tmp_path, file, source)
  assert [offence for rule in RULES for offence in rule(tmp_path)] == []
