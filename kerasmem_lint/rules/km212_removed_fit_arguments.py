"""# Arguments of `fit` that Keras 3 no longer takes

`workers`, `use_multiprocessing` and `max_queue_size` are arguments of the `PyDataset` in Keras 3, and `fit_generator` is gone.

## Why it costs memory

These arguments bound how many batches wait in memory and how many processes make them. In Keras 3 `fit` raises a TypeError for them;
the bounds are set where the data is made.

## Examples

```python bad
model.fit(batches, epochs=3, workers=4, max_queue_size=20)  # KM212
```

```python fixed
model.fit(batches, epochs=3)
```

```python good
class Batches(keras.utils.PyDataset):
    def __init__(self):
        super().__init__(workers=4, max_queue_size=20)

model.fit(Batches(), epochs=3)
```

## When it is quiet

- Code that shows it runs on Keras 2: `tf_keras`, `lr=`, `fit_generator`, `val_acc`, `tf.Session`, or `target-keras = "2"`.
- A `fit` of a class of this file, and of other libraries.

## Fix safety

Unsafe: the arguments are taken out, and the generator then works with its defaults, one worker and a queue of ten batches.
"""

from kerasmem_lint.rule import Change, Context, Finding, Iterator, Remedy, Rule, Site

RULE = Rule(
    code="KM212",
    name="removed-fit-arguments",
    since="0.1.0",
    severity="error",
    confidence="high",
    message="`fit` of Keras 3 does not take this argument",
    calls=(
        "Model.fit", "Model.evaluate", "Model.predict", "Model.fit_generator", "Model.evaluate_generator", "Model.predict_generator",
    ),
    words=("workers", "use_multiprocessing", "max_queue_size", "_generator"),
    generations=(3,),
)  # fmt: skip

_REMOVED = ("workers", "use_multiprocessing", "max_queue_size")


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    call = site.node
    method = ctx.callee(call)
    if method.endswith("_generator"):
        yield Finding(
            call,
            f"Keras 3 has no `{method}`",
            remedy=Remedy(f"Call `{method.removesuffix('_generator')}`, which takes a `PyDataset` or a generator"),
        )
        return
    given = [item for item in call.args if item.keyword is not None and item.keyword.value in _REMOVED]
    if not given:
        return
    names = ", ".join(f"`{item.keyword.value}`" for item in given)
    yield Finding(
        call,
        f"`{method}` of Keras 3 does not take {names}" + ctx.assumed_generation(),
        remedy=Remedy(
            "Give them to the `PyDataset`: `super().__init__(workers=…, max_queue_size=…)`",
            "unsafe",
            tuple(Change(item, "", "remove-argument") for item in given),
        ),
        severity="warning" if ctx.assumed_generation() else None,
        confidence="medium" if ctx.assumed_generation() else None,
    )
