"""# A persistent tape that is asked once

A tape whose gradient is asked for once need not be persistent.

## Why it costs memory

An ordinary tape lets go of what it has recorded, every activation of the forward pass, as soon as `gradient` has run. A persistent one holds on
to it until the tape itself is gone: through the update, and through whatever comes next while its variable lives, such as a
validation after the loop. Where the next round makes the next tape at once, nothing is lost.

## Examples

```python bad
with tf.GradientTape(persistent=True) as tape:  # KM501
    loss = loss_fn(y, model(x))
grads = tape.gradient(loss, model.trainable_variables)
```

```python fixed
with tf.GradientTape() as tape:
    loss = loss_fn(y, model(x))
grads = tape.gradient(loss, model.trainable_variables)
```

```python good
with tf.GradientTape(persistent=True) as tape:
    loss_a, loss_b = losses(model(x))
grads_a = tape.gradient(loss_a, model.trainable_variables)
grads_b = tape.gradient(loss_b, model.trainable_variables)
```

## When it is quiet

- `gradient` is called more than once, or in a loop, or `jacobian` is; the tape is handed on or stored.
- The gradient is asked for inside the `with` (KM504 looks at that), or within another tape's.

## Fix safety

Safe: a tape that is asked once gives the same gradient without the argument.
"""

from kerasmem_lint.rule import Change, Context, Finding, Iterator, Remedy, Rule, Site

RULE = Rule(
    code="KM501",
    name="persistent-tape-not-needed",
    since="0.1.0",
    severity="info",
    confidence="high",
    message="this tape is asked once: it need not keep all activations after that",
    calls=("tensorflow.GradientTape",),
    backends=("tensorflow",),
)


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    call = site.node
    tapes = ctx.facts.tapes
    tape = tapes.of(call)
    if tape is None or not tape.persistent or tape.escapes or tape.keepers or len(tape.asks) != 1:
        return
    ask = tape.asks[0]
    if ctx.callee(ask) != "gradient" or not tapes.runs_once(ask, tape) or tapes.is_inside_own_block(ask, tape):
        return
    if tapes.is_recorded_elsewhere(tape):
        return
    argument = next((item for item in call.args if item.keyword is not None and item.keyword.value == "persistent"), None)
    changes = (Change(argument, "", "remove-argument"),) if argument is not None else ()
    yield Finding(
        call,
        "this tape is asked once: it need not keep all activations after that",
        ((ask, "the only question"),),
        Remedy("Remove `persistent=True`", "safe" if changes else "display", changes),
    )
