"""The models that a config can name."""

import jax.numpy as jnp
import pytest

from configs.shared import jmrn_model, pa3d_model
from jmrn_jax.model import JMRN
from pose_action.training.model_registry import build_model


def test_fields_reach_the_model():
  config = pa3d_model.joint_stream(outputs=6)
  config.dtype = 'bfloat16'
  model = build_model(config, num_classes=21)
  assert (model.num_classes, model.outputs) == (21, 6)
  assert model.dtype == jnp.bfloat16
  assert config.name == 'pa3d'  # The config itself stays unchanged.


def test_fields_reach_a_jmrn():
  config = jmrn_model.jmrn(compressed=32, dropout=0.25)
  config.siamese = False
  model = build_model(config, num_classes=14)
  assert isinstance(model, JMRN)
  assert (model.num_classes, model.compressed, model.dropout) == (14, 32, 0.25)
  assert (tuple(model.features), model.siamese) == ((128, 256), False)
  assert model.dtype == jnp.float32


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('name', 'pa4d', r"model\.name is 'pa4d'; give one of \['ddnet', 'jmrn', 'pa3d'\]"),
    ('dtype', 'float16', r"dtype is 'float16'; give 'float32' or 'bfloat16'"),
  ],
)
def test_unknown_names(field, value, message):
  config = pa3d_model.joint_stream(outputs=6)
  config[field] = value
  with pytest.raises(ValueError, match=message):
    build_model(config, num_classes=3)
