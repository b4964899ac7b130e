"""# Eager execution left on

A switch that makes training run operation by operation, meant for debugging, is on in code that trains.

## Why it costs memory

A training step that is not compiled keeps more intermediate results alive, because nothing is fused: about twice the memory on
JAX, and on TensorFlow for a chain of element-wise operations, while a step of convolutions was no larger there. On both it is
slower, since every operation goes through Python.

## Examples

```python bad
model.compile(optimizer="adam", loss="mse", run_eagerly=True)  # KM409
model.fit(x, y, epochs=5)
```

```python fixed
model.compile(optimizer="adam", loss="mse")
model.fit(x, y, epochs=5)
```

```python good
model.compile(optimizer="adam", loss="mse")
model.fit(x, y, epochs=5)
```

```python good
if DEBUG:
    tf.config.run_functions_eagerly(True)
model.fit(x, y, epochs=5)
```

## When it is quiet

- Under a condition; a switch that is turned off again; a value that this file does not tell; files that do not train;
  tests.
- On torch, where Keras runs operation by operation anyway.

## Fix safety

Unsafe: a `train_step` of your own may rely on Python side effects, which a compiled step runs only once.

## Known limits

Eager execution does not have the leak of models trained in a loop (KM101): there, turning it off costs memory.
"""

from kerasmem_lint.rule import Change, Context, Finding, Iterator, Remedy, Rule, Site

RULE = Rule(
    code="KM409",
    name="eager-debug-left-on",
    since="0.1.0",
    severity="info",
    confidence="medium",
    message="eager execution is on: slower, and on JAX larger",
    calls=(
        "Model.compile", "tensorflow.config.run_functions_eagerly", "tensorflow.config.experimental_run_functions_eagerly",
        "tensorflow.data.experimental.enable_debug_mode", "tensorflow.debugging.enable_check_numerics",
        "tensorflow.debugging.experimental.enable_dump_debug_info", "jax.disable_jit",
    ),
    words=("run_eagerly", "functions_eagerly", "enable_debug_mode", "enable_check_numerics", "dump_debug", "disable_jit"),
    backends=("tensorflow", "jax"),
    status="preview",
    default=False,
    why_preview="how much larger an eager step is depends on its layers; on TensorFlow one of convolutions was no larger",
)  # fmt: skip

_TRAINS = ("Model.fit", "Model.fit_generator", "Model.train_on_batch", "Optimizer.apply_gradients")


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    call = site.node
    changes: tuple[Change, ...] = ()
    if site.name == "Model.compile":
        given = ctx.argument(call, None, "run_eagerly")
        if given is None or ctx.boolean(given) is not True:
            return
        changes = (Change(next(item for item in call.args if item.value is given), "", "remove-argument"),)
    else:
        first = next(iter(ctx.positional(call)), None)
        if (first is not None and ctx.boolean(first) is not True) or _turned_off(ctx, call):
            return
    if ctx.facts.flow.is_conditional(call) or not any(ctx.named(other, *_TRAINS) for other in ctx.calls()):
        return
    more = " and keeps more in memory" if ctx.backend == "jax" else ""
    yield Finding(
        call,
        f"a debugging switch is on: training runs operation by operation, which is slow{more}{ctx.assumed()}",
        remedy=Remedy("Turn it off when you are done debugging", "unsafe" if changes else "display", changes),
    )


def _turned_off(ctx: Context, call: object) -> bool:
    name = ctx.callee(call)
    return any(
        ctx.callee(other) == name and ctx.boolean(next(iter(ctx.positional(other)), None)) is False for other in ctx.calls()
    )
