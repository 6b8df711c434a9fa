"""The operations that a frozen TensorFlow graph may hold: computations on arrays only.

A graph is a program. TensorFlow also has operations that read and write files, call
Python, or loop, and would run them for whoever opens the graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_SHOWN = 5  # Operations that a message names at most.

_LAYERS = """
  AvgPool BatchToSpaceND BiasAdd Conv2D Conv2DBackpropInput DepthToSpace
  DepthwiseConv2dNative Elu FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 L2Loss LRN
  LeakyRelu LogSoftmax MatMul BatchMatMul BatchMatMulV2 MaxPool MaxPoolV2 MirrorPad Pad
  PadV2 Relu Relu6 ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor Selu
  Sigmoid Softmax Softplus Softsign SpaceToBatchND SpaceToDepth Tanh
"""
_ARITHMETIC = """
  Abs Add AddN AddV2 All Any ArgMax ArgMin Ceil ClipByValue Cumsum Div DivNoNan Equal Erf
  Exp Floor FloorDiv FloorMod Greater GreaterEqual Inv IsFinite IsNan Less LessEqual Log
  Log1p LogicalAnd LogicalNot LogicalOr Max Maximum Mean Min Minimum Mod Mul Neg NotEqual
  Pow Prod RealDiv Reciprocal Rint Round Rsqrt Sign Sqrt Square SquaredDifference Sub Sum
  TruncateDiv
"""
_SHAPES = """
  BroadcastTo Cast Concat ConcatV2 Const ExpandDims Fill Gather GatherNd GatherV2 Identity
  IdentityN Merge NoOp OneHot OnesLike Pack Placeholder PlaceholderWithDefault
  PreventGradient Range Rank Reshape Reverse ReverseV2 Select SelectV2 Shape ShapeN Size
  Slice Split SplitV Squeeze StopGradient StridedSlice Switch Tile TopKV2 Transpose Unpack
  Where ZerosLike
"""
ALLOWED = frozenset(f'{_LAYERS} {_ARITHMETIC} {_SHAPES}'.split())


def foreign_operations(definition: Any) -> str:
  """The operations that a graph may not hold, with a node of each; '' without any.

  Args:
    definition: a `GraphDef`. The bodies of its functions count too.
  """
  found: dict[str, str] = {}
  for name, operation in _operations(definition):
    if operation not in ALLOWED:
      found.setdefault(operation, name)
  named = [f'{operation} ({name})' for operation, name in sorted(found.items())]
  more = f' and {len(named) - _SHOWN} more' if len(named) > _SHOWN else ''
  return ', '.join(named[:_SHOWN]) + more


def _operations(definition: Any) -> Iterator[tuple[str, str]]:
  """(name, operation) of every node."""
  for node in definition.node:
    yield node.name, node.op
  for function in definition.library.function:
    for node in function.node_def:
      yield f'{function.signature.name}/{node.name}', node.op
