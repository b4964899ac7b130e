"""# Training without a checkpoint

A `fit` of many epochs with no callback that writes the weights to disk loses everything when the process is killed.

## Why it costs memory

It costs the work, not the memory: running out of memory ends the process without a traceback to catch, all epochs are
lost, and a `save` after `fit` never runs. `EarlyStopping` is no checkpoint: its best weights live in memory only.

## Examples

```python bad
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
model.fit(train_ds, epochs=50, callbacks=[keras.callbacks.EarlyStopping(monitor="loss")])  # KM301
```

```python good
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(loss="mse")
model.fit(train_ds, epochs=50, callbacks=[keras.callbacks.BackupAndRestore("backup")])
```

## When it is quiet

- Fewer than `min-epochs` epochs, or a number of epochs that this file does not tell.
- A callback that may save: `ModelCheckpoint`, `BackupAndRestore`, a subclass in this file that saves, anything
  imported from elsewhere, a list that comes from a parameter or that other code is given.
- `fit` in a trial of a search, in a loop that makes a new model each round and is about to be told so (KM101; over the
  folds of a cross-validation a note), in a loop that saves by itself.
- Data made up in the file (literals, random numbers), `steps_per_epoch` of at most 5, tests.
- A note only for toy data of scikit-learn, and for fewer than 50 epochs on a data set of `keras.datasets` or in a
  notebook with three `fit` or more.

## Options

- `min-epochs` (10): report from this many epochs on.

## Known limits

A training loop of your own is for KM307. `BackupAndRestore` needs a built model; it removes its folder after a good run.
"""

from dataclasses import dataclass

from kerasmem_lint.rule import Context, Finding, Iterator, Node, Remedy, Rule, Site


@dataclass(frozen=True)
class Options:
    min_epochs: int = 10


RULE = Rule(
    code="KM301",
    name="fit-without-checkpoint",
    since="0.1.0",
    severity="warning",
    confidence="high",
    message="`{call}` trains for {epochs} epochs and nothing saves the model",
    calls=("Model.fit", "Model.fit_generator"),
    options=Options,
)

_SEVERAL = 3
_MANY_EPOCHS = 50


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    call = site.node
    epochs = ctx.facts.training.epochs(call)
    if epochs is None or epochs < ctx.options.min_epochs or ctx.facts.training.may_checkpoint(call):
        return
    trials = ctx.facts.loops.new_models(call)
    if _is_toy(ctx, call) or ctx.facts.loops.look_after(call) or not all(map(ctx.facts.calls.goes_through_folds, trials)):
        return
    kept = "nothing saves the model"
    if ctx.facts.training.saved_after(call):
        kept = "the model is saved only afterwards"
    elif any(ctx.facts.training.restores_best(item) for item in ctx.facts.training.callbacks(call).items):
        kept = "`EarlyStopping` keeps its best weights in memory only"
    message = f"`{ctx.callee(call)}` trains for {epochs} epochs and {kept}"
    yield Finding(
        call, message, remedy=_remedy(ctx, call), severity="info" if trials or _is_exercise(ctx, call, epochs) else None
    )


def _is_toy(ctx: Context, call: Node) -> bool:
    """Made-up data, or a handful of steps an epoch: a run that nobody misses."""
    steps = ctx.integer(ctx.fit_argument(call, "steps_per_epoch"))
    data = ctx.value(ctx.fit_argument(call, "x"))
    return (steps is not None and steps <= 5) or ctx.facts.shapes.is_made_up(data)


def _is_exercise(ctx: Context, call: Node, epochs: int) -> bool:
    """A training of seconds or minutes, as far as one can see: little data, or one of several in a notebook."""
    origin = ctx.value(ctx.fit_argument(call, "x")).origin
    several = ctx.is_notebook and len(ctx.facts.training.fits) >= _SEVERAL
    return origin == "toy" or (epochs < _MANY_EPOCHS and (several or origin == "keras-dataset"))


def _remedy(ctx: Context, call: Node) -> Remedy:
    name = ctx.spelled("keras.callbacks.ModelCheckpoint")
    if ctx.generation == 2:
        return Remedy(f'Add `{name}("model-{{epoch}}.h5", save_best_only=True)` to the callbacks')
    backup = ctx.spelled("keras.callbacks.BackupAndRestore")
    return Remedy(
        f'Add `{backup}("backup")` to the callbacks (or `{name}("model.keras")` if the model is not built before `fit`)'
    )
