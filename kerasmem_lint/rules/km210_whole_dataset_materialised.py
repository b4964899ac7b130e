"""# A dataset turned into a list

A dataset that reads its data piece by piece is read to its end, and every piece is kept.

## Why it costs memory

`list(ds)` and joining the batches of a dataset hold the whole data set in memory, as do `tfds.load(…, batch_size=-1)` and
`get_single_element` of one batch of everything. Going through the pipeline
batch by batch needs room for a few batches.

## Examples

```python bad
test_ds = keras.utils.image_dataset_from_directory("test")
batches = list(test_ds)  # KM210
```

```python bad
test_ds = keras.utils.image_dataset_from_directory("test")
images = np.concatenate([image for image, label in test_ds])  # KM210
```

```python bad
train = tfds.load("food101", split="train", batch_size=-1)  # KM210
```

```python good
test_ds = keras.utils.image_dataset_from_directory("test")
labels = np.concatenate([label for image, label in test_ds])
first = list(test_ds.take(2))
```

## When it is quiet

- After `take` with a literal number of at most 100.
- Labels only, file names, numbers, what a `map` has reduced.
- Data written out in the file or made up in it; data sets whose maker is not in this file.
- Parts of a `tfds` split (`train[:10%]`; several, if they are numbers), and data sets of it known to be small: `mnist`.

## Known limits

Sizes cannot be seen. Slices `[:]` of `h5py` files are not looked at.
"""

from typing import Any

from kerasmem_lint.rule import Context, Finding, Iterator, Remedy, Rule, Site

RULE = Rule(
    code="KM210",
    name="whole-dataset-materialised",
    since="0.1.0",
    severity="warning",
    confidence="medium",
    message="this keeps a whole data set in memory",
    calls=(
        "list", "tuple", "numpy.array", "numpy.concatenate", "numpy.stack", "numpy.vstack", "tensorflow.concat", "tensorflow.stack",
        "tensorflow_datasets.load",
    ),
    words=("tensorflow_datasets", "_dataset_from_directory", "decode_"),
)  # fmt: skip

_BIG = ("keras.utils.image_dataset_from_directory", "keras.utils.audio_dataset_from_directory", "tensorflow_datasets.load")
_SMALL = ("mnist", "fashion_mnist", "iris", "titanic", "wine_quality", "german_credit_numeric")
_FEW = 100


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    call = site.node
    if site.name == "tensorflow_datasets.load":
        if ctx.integer(ctx.argument(call, None, "batch_size")) == -1 and not _is_small(ctx, call):
            yield _finding(call, call, "`batch_size=-1` loads the whole split as one batch")
        return
    given = ctx.argument(call, 0, "object", "arrays", "values")
    dataset = _dataset(ctx, given)
    if dataset is None or ctx.facts.calls.feeds_batches(call):
        return
    maker = _reads_much(ctx, dataset)
    if maker is not None:
        joins = "" if site.name in ("list", "tuple") else ", twice while it joins them"
        yield _finding(call, maker, f"keeps every batch of the dataset in memory{joins}")


def _finding(call: Any, maker: Any, message: str) -> Finding:
    labels = () if maker is call else ((maker, "the data is read here"),)
    return Finding(call, message, labels, Remedy("Go through the dataset batch by batch, or `take` what is needed"))


def _dataset(ctx: Context, node: Any) -> Any:
    """The dataset that is read to its end: the argument, or what a comprehension that keeps the inputs goes through."""
    node, position = ctx.facts.containers.kept_of_each(node) or (node, 0)
    if position != 0:
        return None
    if ctx.is_call(node) and ctx.callee(node) == "as_numpy_iterator":
        node = ctx.receiver(node)
    return node if any(value.kind == "dataset" for value in ctx.values(node)) else None


def _reads_much(ctx: Context, dataset: Any) -> Any:
    """The step that reads images or a named data set; None for small, reduced or unknown data."""
    for step in ctx.facts.datasets.of(dataset):
        if step.name == "take":
            count = ctx.integer(ctx.argument(step.call, 0, "count"))
            if count is None or count <= _FEW:
                return None
        if step.name == "map":
            decoded = ctx.facts.datasets.decodes(step)
            if decoded is not None or not ctx.facts.datasets.keeps_inputs(step):
                return decoded
        if step.name in _BIG:
            return None if _is_small(ctx, step.call) else step.call
    return None


def _is_small(ctx: Context, load: Any) -> bool:
    """A part of a split, or a data set of `tfds` that is known to be small."""
    split = ctx.argument(load, 1, "split")
    parts = [ctx.string(item.value) or "" for item in getattr(split, "elements", ())]
    part = all("[" in text and "%" not in text for text in parts) if parts else "[" in (ctx.string(split) or "")
    return ctx.named(load, "tensorflow_datasets.load") and (part or ctx.string(ctx.argument(load, 0, "name")) in _SMALL)
