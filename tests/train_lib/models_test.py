"""What a config can and cannot name."""

import jax.numpy as jnp
import pytest

from configs import pa3d_model
from train_lib.models import build_model


def test_fields_reach_the_model():
  config = pa3d_model.joint_stream(outputs=6)
  config.dtype = 'bfloat16'
  model = build_model(config, num_classes=21)
  assert (model.num_classes, model.outputs) == (21, 6)
  assert model.dtype == jnp.bfloat16
  assert config.name == 'pa3d'  # The config itself is left as it is.


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('name', 'pa4d', r"model\.name is 'pa4d', but the models are \[.*'pa3d'"),
    ('dtype', 'float16', r"dtype is 'float16'; it is 'float32' or 'bfloat16'"),
  ],
)
def test_unknown_names(field, value, message):
  config = pa3d_model.joint_stream(outputs=6)
  config[field] = value
  with pytest.raises(ValueError, match=message):
    build_model(config, num_classes=3)
