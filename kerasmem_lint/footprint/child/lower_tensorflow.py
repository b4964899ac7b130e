"""A captured step on the TensorFlow backend, exported by TensorFlow itself and compiled as the JAX route does.

TensorFlow's own XLA serves only devices that are there; its exporter, though, needs none. The two compilers are of nearly the
same age but not the same build: the plan is that of the XLA in ``jaxlib``'s plugin.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from kerasmem_lint.footprint.child import compile as compiler
from kerasmem_lint.footprint.child import lower_jax
from kerasmem_lint.footprint.child.capture import Captured, Spec
from kerasmem_lint.footprint.child.compile import Asked, CompileFailedError, Statistics
from kerasmem_lint.footprint.child.held import optimizers
from kerasmem_lint.footprint.child.lower_jax import Parameter


class Exported:
    """A step as StableHLO, ready for the same ``compile`` call as a ``jax.stages.Lowered``."""

    def __init__(self, module: bytes, mesh: Any) -> None:
        self.module = module
        self.device = mesh.devices.flat[0]

    def compile(self, compiler_options: dict[str, Any]) -> Planned:
        """Compile for the mesh's GPU; raises what XLA raises."""
        from jax._src.compiler import get_compile_options
        from jax._src.interpreters import mlir
        from jax._src.lib import _jax
        from jax._src.lib.mlir import ir

        options = get_compile_options(num_replicas=1, num_partitions=1, env_options_overrides=compiler_options)
        with mlir.make_ir_context():
            module = ir.Module.parse(self.module)
            _drop_copies(module)
            executable = self.device.client.compile(module, _jax.DeviceList((self.device,)), options)
        return Planned(executable.get_compiled_memory_stats())


class Planned:
    """What ``compile`` returns: the statistics under the name that JAX gives them."""

    def __init__(self, statistics: Any) -> None:
        self._statistics = statistics

    def memory_analysis(self) -> Any:
        """The compiler's own memory statistics."""
        return self._statistics


def _drop_copies(module: Any) -> None:
    """Let the users of each ``mhlo.copy`` read its operand: the op has no form in StableHLO, and XLA adds its own copies."""
    from jax._src.lib.mlir import ir

    copies: list[Any] = []

    def collect(operation: Any) -> Any:
        if operation.name == "mhlo.copy":
            copies.append(operation)
        return ir.WalkResult.ADVANCE

    module.operation.walk(collect)
    for operation in copies:
        operation.results[0].replace_all_uses_with(operation.operands[0])
        operation.erase()


def lower(captured: Captured, mesh: Any) -> tuple[Exported, tuple[Parameter, ...]]:
    """The train step as Keras would have TensorFlow compile it, unconverted by autograph, and its arguments in their order.

    Raises CompileFailedError where TensorFlow itself cannot turn the step into XLA's language: strings, dynamic shapes, Python
    callbacks.
    """
    import keras
    import tensorflow as tf

    model = captured.model
    parts = captured.batch
    leaves = [leaf for leaf in keras.tree.flatten(parts) if isinstance(leaf, Spec)]

    def step(*values: Any) -> Any:
        found = iter(values)
        return model.train_step(keras.tree.map_structure(lambda leaf: next(found) if isinstance(leaf, Spec) else None, parts))

    unconverted = tf.autograph.experimental.do_not_convert(step)
    function = tf.function(unconverted, jit_compile=True, reduce_retracing=True)
    specs = [tf.TensorSpec(leaf.shape, leaf.dtype) for leaf in leaves]
    try:
        concrete = function.get_concrete_function(*specs)
        export = function.experimental_get_compiler_ir(*specs)
        module = export(stage="stablehlo_serialized", platform_name="CPU")
    except (tf.errors.OpError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:400]
        raise CompileFailedError(f"TensorFlow cannot express the step for XLA ({reason}); try --engine graph") from error
    named = {id(variable.value.handle): Parameter(category, variable.path.rpartition("/")[0], variable.path)
             for category, variables in _variables(model) for variable in variables}  # fmt: skip
    arguments = [Parameter("batch", "", f"batch_{number}") for number in range(len(leaves))]
    arguments += [named.get(id(handle), Parameter("temporaries", "", "captured")) for handle in concrete.captured_inputs]
    return Exported(module, mesh), tuple(arguments)


def _variables(model: Any) -> tuple[tuple[str, Any], ...]:
    return (
        ("non_trainable", model.non_trainable_variables),
        ("weights", model.trainable_variables),
        *(("slots", optimizer.variables) for optimizer in optimizers(model)),
        ("non_trainable", model.metrics_variables),
    )


def plan(captured: Captured, asked: Asked) -> tuple[Statistics | None, tuple[Parameter, ...]]:
    """Build, export and compile the step as asked; what the compiler says of it, and its arguments."""
    with suppress(RuntimeError):  # a model with a train_step and no call() is built by tracing that, as in fit()
        lower_jax.build(captured)
    exported, arguments = lower(captured, compiler.mesh_for(asked.target))
    return compiler.compile_step(exported, asked), arguments
