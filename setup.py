"""Packaging of pose-action-jax. Tool settings live in pyproject.toml."""

import pathlib

import setuptools

# For clu's TensorBoard writer, without which training runs too, and for pose networks
# that are TensorFlow graphs (pose_action/extraction/tf_graph.py).
TENSORBOARD = [
  'tensorboard>=2.18,<3',
  "tensorflow-cpu>=2.18,<3; platform_machine=='x86_64' or platform_machine=='AMD64'",
  "tensorflow>=2.18,<3; platform_machine!='x86_64' and platform_machine!='AMD64'",
]
VIDEO = ['opencv-python-headless>=4.10,<5']
TEST = [
  *TENSORBOARD,
  *VIDEO,
  'pytest>=8,<10',
  'pytest-xdist>=3.6,<4',
  'scikit-learn>=1.5,<2',
]

setuptools.setup(
  name='pose-action-jax',
  version='0.1.0',
  description='Human action recognition from pose in JAX: PA3D and JMRN.',
  long_description=pathlib.Path(__file__).with_name('README.md').read_text('utf-8'),
  long_description_content_type='text/markdown',
  license='Apache-2.0',
  python_requires='>=3.11,<3.14',
  packages=setuptools.find_packages(
    include=[
      f'{room}{suffix}'
      for room in (
        'configs',
        'input_pipeline',
        'jmrn_jax',
        'model_lib',
        'pa3d_jax',
        'pose_action',
      )
      for suffix in ('', '.*')
    ]
  ),
  install_requires=[
    'absl-py>=2.1,<3',
    'array_record>=0.8,<0.9',
    'clu>=0.0.12,<0.1',
    'einops>=0.8,<0.9',
    'etils[epath]>=1.9.1,<2',
    'flax>=0.12,<0.13',
    'grain>=0.2.15,<0.3',
    'importlib_resources>=6,<8',  # tensorflow-datasets needs it, and does not say so
    'jax>=0.10,<0.13',
    'jaxtyping>=0.3,<0.4',
    'matplotlib>=3.9,<4',
    'ml-collections>=1.0,<2',
    'numpy>=2.0,<3',
    'optax>=0.2.5,<0.3',
    'orbax-checkpoint>=0.11.30,<0.13',
    'pooch>=1.8,<2',
    'pyyaml>=6,<7',
    'requests>=2.31,<3',
    'scipy>=1.14,<2',
    'tensorflow-datasets>=4.9.9,<5',
    'tqdm>=4.66,<5',
  ],
  extras_require={
    'tensorboard': TENSORBOARD,
    'cuda12': ['jax[cuda12]>=0.10,<0.13'],
    'cuda13': ['jax[cuda13]>=0.10,<0.13'],
    'tpu': ['jax[tpu]>=0.10,<0.13'],
    'beam': ['apache-beam>=2.70,<3'],
    # Reads the checkpoints of the official JMRN release (tools/import_weights.py).
    'torch': ['torch>=2.4,<3'],
    'video': VIDEO,
    'test': TEST,
    'dev': [*TEST, 'pre-commit>=4,<5', 'pyright>=1.1.400,<2', 'ruff>=0.12,<1'],
  },
)
