"""# A new model trained in every round

A loop that builds and trains a model in each round keeps every one of them in memory.

## Why it costs memory

On the TensorFlow backend a model that was trained is never given back: tracing the train step puts an entry into
TensorFlow's global gradient registry, the entry holds the graph, and the graph holds the weights and the optimizer's
slots. Neither `clear_session()` nor `del` and `gc.collect()` change that. On JAX and torch dead models are reference
cycles: they go with `clear_session()` or `gc.collect()`, and pile up without.

## Examples

```python bad
for units in (16, 32, 64, 128, 256):
    model = keras.Sequential([keras.layers.Dense(units), keras.layers.Dense(1)])
    model.compile(loss="mse")
    model.fit(x, y, epochs=5)  # KM101
```

```python good
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
model.optimizer.build(model.trainable_variables)
weights = model.get_weights()
state = [keras.ops.convert_to_numpy(variable) for variable in model.optimizer.variables]
for fold in range(10):
    model.set_weights(weights)
    for variable, value in zip(model.optimizer.variables, state):
        variable.assign(value)
    model.fit(folds[fold], epochs=5)
```

## When it is quiet

- The round runs in a process of its own (`Process(target=…)`, `executor.submit`, `ray.remote`).
- At most 3 rounds, by a literal count; of nested loops, all together.
- The model is made once and trained again and again.
- `run_eagerly=True`, which builds no graphs.
- JAX and torch with `clear_session()` or `gc.collect()` in the loop.
- Searches by `keras_tuner` and its like: their loop is not yours.

## Known limits

Loops are followed through calls of functions of this file, not into other files.
"""

from kerasmem_lint.rule import Context, Finding, Iterator, Node, Remedy, Rule, Site

RULE = Rule(
    code="KM101",
    name="model-trained-per-iteration",
    since="0.1.0",
    severity="warning",
    confidence="high",
    message="every round of this loop trains a new model, and none of them is ever freed",
    calls=("Model.fit", "Model.fit_generator", "Model.train_on_batch"),
    in_loop=True,
)

_FEW_ROUNDS = 3


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    call = site.node
    loops = ctx.facts.loops
    rounds = 1
    for iteration in ctx.iterations(call):
        maker = loops.made_per_round(ctx.receiver(call), iteration)
        if maker is None or ctx.facts.calls.runs_in_child(call) or _is_eager(ctx, iteration):
            continue
        rounds *= iteration.count if iteration.count is not None else _FEW_ROUNDS + 1
        if rounds <= _FEW_ROUNDS:
            continue
        if loops.trained(maker.node, iteration) not in (call, None):
            return  # another training call of the same model speaks for this round
        cleared = loops.cleared(iteration)
        if ctx.backend != "tensorflow" and cleared is not None:
            return
        labels = [(iteration.node, "each round of this loop" if iteration.search is None else "each trial of this search")]
        if maker.node is not None:
            labels.append((maker.node, "makes a new model"))
        yield Finding(call, _message(ctx, cleared is not None), tuple(labels), _remedy(ctx))
        return


def _message(ctx: Context, cleared: bool) -> str:
    if ctx.backend != "tensorflow":
        return "every round trains a new model; the old ones pile up until a full garbage collection"
    cure = "; `clear_session()` and `gc.collect()` do not free it" if cleared else ""
    return f"every round trains a new model, and TensorFlow keeps each one until the process ends{cure}{ctx.assumed()}"


def _remedy(ctx: Context) -> Remedy:
    if ctx.backend != "tensorflow":
        return Remedy(f"Call `{ctx.spelled('keras.utils.clear_session')}()` at the start of each round")
    return Remedy(
        "Build one model and put its first weights and optimizer state back each round, "
        "or run each round in a process of its own"
    )


def _is_eager(ctx: Context, iteration: Node) -> bool:
    for call in ctx.facts.loops.calls_in(iteration):
        if ctx.named(call, "Model.compile") and ctx.boolean(ctx.argument(call, None, "run_eagerly")) is True:
            return True
    return False
