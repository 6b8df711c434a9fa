"""Packaging of pose-action-jax. Tool settings live in pyproject.toml."""

import pathlib
import re
import sys

import setuptools

ROOT = pathlib.Path(__file__).parent
ROOMS = (
  'configs',
  'ddnet_jax',
  'input_pipeline',
  'jmrn_jax',
  'model_lib',
  'pa3d_jax',
  'pose_action',
)
# For one more release, in a checkout only: `from inference_lib.predictor import …`.
OLD_ROOMS = ('inference_lib',) if 'editable_wheel' in sys.argv else ()

# What a prediction needs. flax itself brings optax, and jax brings scipy.
CORE = [
  'absl-py>=2.1,<3',
  'einops>=0.8,<0.9',
  'etils[epath]>=1.9.1,<2',
  'filelock>=3.12,<5',  # JAX needs it to limit the size of the compilation cache
  'flax>=0.12,<0.13',
  'jax>=0.10,<0.13',
  'jaxtyping>=0.3,<0.4',
  'ml-collections>=1.0,<2',
  'numpy>=2.0,<3',
  'optax>=0.2.5,<0.3',
  'orbax-checkpoint>=0.11.30,<0.13',
  'pyyaml>=6,<7',
  'scipy>=1.14,<2',
  'tensorstore>=0.1.71,<0.2',  # to verify what Orbax stores
  'tqdm>=4.66,<5',
]
# Data sets on disk, training, and pictures.
TRAIN = [
  'array_record>=0.8,<0.9',
  'clu>=0.0.12,<0.1',
  'grain>=0.2.15,<0.3',
  'importlib_resources>=6,<8',  # tensorflow-datasets needs it, and does not say so
  'matplotlib>=3.9,<4',
  'pooch>=1.8,<2',
  'pyarrow>=15,<40',  # compresses stored maps; tensorflow-datasets needs it too
  'requests>=2.31,<3',
  'tensorflow-datasets>=4.9.9,<5',
]
# TensorBoard, without which training runs too, and TensorFlow for pose networks that are
# its graphs (pose_action/extraction/tf_graph.py).
TENSORBOARD = [
  *TRAIN,
  'pillow>=10,<14',
  'tensorboard>=2.18,<3',
  "tensorflow-cpu>=2.18,<3; platform_machine=='x86_64' or platform_machine=='AMD64'",
  "tensorflow>=2.18,<3; platform_machine!='x86_64' and platform_machine!='AMD64'",
]
# OpenCV reads videos, PyAV writes them, and Pillow draws letters on them.
VIDEO = ['av>=14,<20', 'opencv-python-headless>=4.10,<6', 'pillow>=10.1,<14']
# Reads the checkpoints of the official JMRN release and of OpenPose's PyTorch port.
TORCH = ['torch>=2.4,<3']
BEAM = ['apache-beam>=2.70,<3']
# Pose files in HDF5: DeepLabCut's and SLEAP's analysis files, netCDF, SLEAP's projects.
DEEPLABCUT = ['h5py>=3.11,<4']
MOVEMENT = [*DEEPLABCUT, 'h5netcdf>=1.4,<2', 'xarray>=2024.10,<2028']
SLEAP = [*DEEPLABCUT, 'sleap-io>=0.9,<0.10']
# Segment files of ELAN (*.eaf), checked by the first and read by the second.
ELAN = ['defusedxml>=0.7,<0.8', 'pympi-ling>=1.70,<2']
TEST = [
  *TENSORBOARD,
  *VIDEO,
  *MOVEMENT,
  *ELAN,
  'pytest>=8,<10',
  'pytest-xdist>=3.8,<4',
  'scikit-learn>=1.5,<2',
]


def version() -> str:
  """That of the package, which is not imported for it."""
  text = (ROOT / 'pose_action' / '__init__.py').read_text('utf-8')
  return re.findall(r"^__version__ = '(.+)'$", text, re.MULTILINE)[0]


setuptools.setup(
  name='pose-action-jax',
  version=version(),
  description='Human action recognition from pose in JAX: PA3D and JMRN.',
  long_description=(ROOT / 'README.md').read_text('utf-8'),
  long_description_content_type='text/markdown',
  license='Apache-2.0',
  python_requires='>=3.11,<3.15',
  packages=setuptools.find_packages(
    include=[
      f'{room}{suffix}' for room in (*ROOMS, *OLD_ROOMS) for suffix in ('', '.*')
    ]
  ),
  package_data={room: ['py.typed'] for room in ROOMS},
  entry_points={'console_scripts': ['pose-action = pose_action.__main__:main']},
  install_requires=CORE,
  extras_require={
    'train': TRAIN,
    'tensorboard': TENSORBOARD,
    'video': VIDEO,
    'torch': TORCH,
    'beam': [*TRAIN, *BEAM],
    'deeplabcut': DEEPLABCUT,
    'movement': MOVEMENT,
    'sleap': SLEAP,
    'elan': ELAN,
    'all': [*TENSORBOARD, *VIDEO, *TORCH, *BEAM, *MOVEMENT, *SLEAP, *ELAN],
    'cuda12': ['jax[cuda12]>=0.10,<0.13'],
    'cuda13': ['jax[cuda13]>=0.10,<0.13'],
    'tpu': ['jax[tpu]>=0.10,<0.13'],
    'test': TEST,
    'dev': [*TEST, 'pre-commit>=4,<5', 'pyright>=1.1.400,<2', 'ruff>=0.12,<1'],
  },
)
