"""# All images collected in memory

A loop decodes every file into a list, and the list is then turned into one array.

## Why it costs memory

At the conversion the list and the array are both alive: twice the whole data set. A decoded image is far larger than
its file, and `img_to_array` makes four bytes of each value. A dataset that reads files as it goes needs a few
batches.

## Examples

```python bad
images = []
for path in paths:
    image = cv2.imread(path)
    images.append(cv2.resize(image, (64, 64)))  # KM203
x = np.array(images)
model.fit(x, y)
```

```python good
train_ds = keras.utils.image_dataset_from_directory("images", image_size=(64, 64))
model.fit(train_ds)
```

## When it is quiet

- A bounded number of files: a slice or count of at most 1,000, a `break`.
- Inside `__getitem__`, a generator, or a function that only those call, or in a round that trains by a single step: one batch.
- The list is never turned into an array nor given to `fit`; tests.

## Known limits

Files and sizes cannot be seen: a small data set is reported as well.
"""

from kerasmem_lint.rule import Context, Finding, Iterator, Node, Remedy, Rule, Site

RULE = Rule(
    code="KM203",
    name="images-collected-in-memory",
    since="0.1.0",
    severity="warning",
    confidence="medium",
    message="every image is decoded into a list, which is then copied into an array: twice the data set at once",
    calls=(
        "numpy.array", "numpy.asarray", "numpy.stack", "numpy.concatenate", "numpy.vstack", "Model.fit",
        "tensorflow.data.Dataset.from_tensor_slices", "tensorflow.convert_to_tensor", "tensorflow.stack",
    ),
    words=("imread", "Image.open", "load_img", "img_to_array", "librosa", "decode_", "dcmread", "nibabel", "soundfile"),
)  # fmt: skip

_BOUND = 1000
_STEPS = ("Model.train_on_batch", "Optimizer.apply_gradients")


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    call = site.node
    source = ctx.argument(call, 0, "x", "object", "tensors", "arrays")
    for value in ctx.values(source):
        if value.kind != "list":
            continue
        for element in value.elements:
            written_out = any(item.value is element for item in getattr(value.node, "elements", ()))
            if written_out or not _is_decoded(ctx, element) or _is_one_batch(ctx, element):
                continue
            loops = [it for it in ctx.iterations(element) if it.loop is not None]
            if not loops or _is_bounded(ctx, loops[0]) or any(_trains_by_step(ctx, element, outer) for outer in loops[1:]):
                continue
            yield _finding(ctx, call, element, loops[0])


def _finding(ctx: Context, call: Node, element: Node, iteration: Node) -> Finding:
    copied = not ctx.named(call, "Model.fit")
    return Finding(
        ctx.facts.containers.append_of(element) or element,
        "every file is decoded into this list"
        + (
            ", which is then copied into an array: twice the data set in memory" if copied else ": the whole data set in memory"
        ),
        ((iteration.node, "for each file"), (call, "the whole of it is copied here" if copied else "and given to `fit`")),
        Remedy("Read files as they are needed: `image_dataset_from_directory`, a `tf.data` map, or a `PyDataset`"),
    )


def _is_decoded(ctx: Context, element: Node) -> bool:
    return any(value.origin == "image" for value in ctx.values(element))


def _is_bounded(ctx: Context, iteration: Node) -> bool:
    count = iteration.count
    return (count is not None and count <= _BOUND) or ctx.facts.calls.breaks_off(iteration)


def _trains_by_step(ctx: Context, element: Node, outer: Node) -> bool:
    """Does each round of an outer loop make a list of its own and train on a batch: the files of one step?"""
    added = ctx.facts.containers.append_of(element)
    own = added is None or ctx.facts.containers.made_in(ctx.receiver(added), outer)
    return own and any(ctx.named(call, *_STEPS) and _is_once_in(ctx, call, outer) for call in ctx.facts.loops.calls_in(outer))


def _is_once_in(ctx: Context, step: Node, outer: Node) -> bool:
    """Does a round of the loop take this step once or a literal number of times, rather than through batches of what it has read?"""
    nearest = next((one for one in ctx.iterations(step) if one.node is outer.node or one.count is None), outer)
    return bool(nearest.node is outer.node)


def _is_one_batch(ctx: Context, element: Node) -> bool:
    return ctx.facts.calls.feeds_batches(element)
