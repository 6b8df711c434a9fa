"""Communication read from a program: by hand, and from a real step on eight devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.accelerators.collectives import Collective, by_kind, collectives
from pose_action.runtime import sharding

HLO = """HloModule jit_step, is_scheduled=true

%add (x: f32[], y: f32[]) -> f32[] {
  ROOT %sum = f32[] add(f32[] %x, f32[] %y)
}

ENTRY %main.7 (a: f32[8,3], b: bf16[4]) -> f32[8,3] {
  %a = f32[8,3]{1,0} parameter(0)
  %all-reduce.1 = f32[8,3]{1,0} all-reduce(f32[8,3]{1,0} %a), channel_id=1, replica_groups={{0,1,2,3}}, to_apply=%add
  %all-reduce.2 = (f32[], bf16[4]{0}) all-reduce(%c, %b), replica_groups=[1,8]<=[8], to_apply=%add
  %all-gather.1 = s32[16]{0} all-gather(%d), replica_groups={}, dimensions={0}
  %e = (f32[1], f32[2]) reduce-scatter(%f, %g), replica_groups=[2,4]<=[8]
  %moved = pred[10] collective-permute(%h), source_target_pairs={{0,1},{1,0}}
  ROOT %copy = f32[8,3]{1,0} copy(f32[8,3]{1,0} %all-reduce.1)
}
"""


def test_operations_by_hand():
  found = collectives(HLO, 8)
  assert found == [
    Collective('all-reduce', 8 * 3 * 4, 4),
    Collective('all-reduce', 4 + 4 * 2, 8),
    Collective('all-gather', 64, 8),
    Collective('reduce-scatter', 12, 4),
    Collective('collective-permute', 10, 8),
  ]
  assert by_kind(found)['all-reduce'] == (2, 96 + 12)
  # 2 · 3/4 · 96; 2 · 7/8 · 12; 7/8 · 64; 3 · 12; 10.
  assert [operation.sent for operation in found] == [144, 21, 56, 36, 10]


@pytest.mark.parametrize(
  ('changed', 'message'),
  [
    (HLO.replace('ENTRY %main', '%body'), r'all-reduce in %body.7 is not counted'),
    (HLO.replace('all-gather(', 'all-gather-start('), r'all-gather-start in ENTRY'),
  ],
)
def test_what_is_not_counted_is_refused(changed, message):
  with pytest.raises(ValueError, match=message):
    collectives(changed, 8)


def test_a_gradient_over_eight_devices():
  """The gradient of a linear layer: 6 · 5 float32, all-reduced over all devices."""
  mesh = sharding.make_mesh()
  rows, whole = sharding.over_rows(mesh), sharding.replicated(mesh)

  def gradient(kernel, x):
    return jax.grad(lambda kernel: jnp.square(x @ kernel).sum())(kernel)

  compiled = (
    jax.jit(gradient, in_shardings=(whole, rows), out_shardings=whole)
    .lower(np.zeros((6, 5), np.float32), np.zeros((16, 6), np.float32))
    .compile()
  )
  assert collectives(compiled.as_text(), 8) == [Collective('all-reduce', 120, 8)]
