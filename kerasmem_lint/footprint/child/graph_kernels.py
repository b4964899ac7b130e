"""What TensorFlow's kernels do with the buffers of their operands, by operation; read from the kernels of TensorFlow 2.21."""

# fmt: off

ALIASES = frozenset({
    "Identity", "IdentityN", "Reshape", "ExpandDims", "Squeeze", "StopGradient", "PreventGradient", "EnsureShape",
    "Bitcast", "Snapshot", "CheckNumerics",
})
"""Operations whose outputs are their inputs under another shape or name."""

IN_PLACE = frozenset({
    "Abs", "Neg", "Square", "Sqrt", "Rsqrt", "Exp", "Expm1", "Log", "Log1p", "Tanh", "Sigmoid", "Relu", "Relu6",
    "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign", "Erf", "Erfc", "Sin", "Cos", "Floor", "Ceil", "Round", "Rint",
    "Sign", "Reciprocal", "Inv", "LogicalNot", "Softmax", "LogSoftmax", "BiasAdd", "Add", "AddV2", "AddN", "Sub", "Mul",
    "RealDiv", "Div", "DivNoNan", "MulNoNan", "Maximum", "Minimum", "Pow", "SquaredDifference", "FloorDiv", "FloorMod",
    "Mod", "Atan2", "Xlogy", "LogicalAnd", "LogicalOr", "Select", "SelectV2", "ReluGrad", "Relu6Grad", "LeakyReluGrad",
    "EluGrad", "SeluGrad", "SoftplusGrad", "SoftsignGrad", "TanhGrad", "SigmoidGrad", "SqrtGrad", "RsqrtGrad", "InvGrad",
    "ReciprocalGrad", "FusedBatchNormV3", "FusedBatchNormGradV3", "ClipByValue",
})
"""Operations whose first output takes an input's buffer before a new one (``forward_input_or_allocate_output``)."""

WRITTEN_OVER = {"SparseSoftmaxCrossEntropyWithLogits": {1: 0}, "SoftmaxCrossEntropyWithLogits": {1: 0}}
"""Other outputs that do, and the one input they ask for: the gradient of a cross-entropy is written over its logits
(sparse_xent_op.cc, xent_op.cc)."""

ADDING = frozenset({
    "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatterAdd", "ResourceScatterSub", "ResourceScatterUpdate",
    "ResourceScatterMul",
})
"""Operations that change a variable, on a copy when somebody still reads it (``PrepareToUpdateVariable``)."""

NEUTRAL = {"Mul": (1, (0, 1)), "RealDiv": (1, (1,)), "AddV2": (0, (0, 1)), "Sub": (0, (1,))}
"""Operations that leave one operand as it is when the other, at one of these places, is this constant."""
