"""# The arrays behind a split stay alive

`train_test_split` copies, and so does an index array; the arrays they took from are never read again, and live on through the
whole training.

## Why it costs memory

Both copies of the data are in memory while `fit` runs, before it makes copies of its own.

## Examples

```python bad
images = np.load("images.npy")
labels = np.load("labels.npy")
x_train, x_test, y_train, y_test = train_test_split(images, labels)  # KM202
model.fit(x_train, y_train, epochs=5)
```

```python bad
images = np.load("images.npy")
order = np.random.permutation(len(images))
x_train = images[order[1000:]]  # KM202
x_test = images[order[:1000]]
model.fit(x_train, y_train, epochs=5)
```

```python good
images = np.load("images.npy")
labels = np.load("labels.npy")
x_train, x_test, y_train, y_test = train_test_split(images, labels)
del images, labels
model.fit(x_train, y_train, epochs=5)
```

## When it is quiet

- A source is read again, deleted, or overwritten (`x, x_test = train_test_split(x)`); nothing trains later in this scope.
- Lists and columns of paths, indices or texts, which are split without copying what they name; tables, where the file uses
  `flow_from_dataframe`; data made up in the file; tests.

## Fix safety

No automatic fix: in a notebook another cell may read the array, in a module another file.

## Known limits

How large the arrays are cannot be seen.
"""

from kerasmem_lint.rule import Context, Finding, Iterator, Node, Remedy, Rule, Site

_INDEXES = ("numpy.random.permutation", "numpy.arange", "numpy.random.rand", "numpy.random.random", "numpy.random.uniform")
RULE = Rule(
    code="KM202",
    name="split-source-kept",
    since="0.1.0",
    severity="info",
    confidence="medium",
    message="the split copied these arrays, and they stay in memory during the training",
    calls=("sklearn.model_selection.train_test_split", "sklearn.cross_validation.train_test_split", *_INDEXES),
)

_REFERENCES = {
    "path", "filepath", "file", "filename", "name", "id", "idx", "index", "indices", "list", "dir", "key", "url", "text", "sentence",
    "review", "tweet", "comment", "title",
}  # fmt: skip


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    lifetimes = ctx.facts.lifetimes
    if site.name in _INDEXES:
        verb, pairs = "taking rows by an index copied", lifetimes.gathered(site.node)
    else:
        targets = lifetimes.targets(site.node)
        names = (
            [node for node in ctx.positional(site.node) if ctx.is_name(node) and node.value not in targets] if targets else []
        )
        verb, pairs = "the split copied", [(node, [site.node]) for node in names]
    columns = [lifetimes.column(node) for node, _ in pairs]
    if any(map(_refers, columns)):  # then the others are its labels
        pairs = [pair for pair, column in zip(pairs, columns, strict=True) if not column]
    kept = [(node, places) for node, places in pairs if _is_data(ctx, node) and lifetimes.is_idle_after(node, places[-1])]
    training = lifetimes.training_after(kept[-1][1][-1]) if kept else None
    if training is None:
        return
    names = [node.value for node, _ in kept]
    one = len(kept) == 1
    yield Finding(
        kept[0][1][0],
        f"{verb} {', '.join(f'`{name}`' for name in names)}, which {'is' if one else 'are'} never read again but "
        f"{'stays' if one else 'stay'} in memory during the training",
        ((training, "while this trains"),),
        Remedy(f"`del {', '.join(names)}` after the split"),
    )


def _refers(name: str) -> bool:
    words = name.lower().split("_")
    return any(not _REFERENCES.isdisjoint({word, word.removesuffix("s")}) for word in words)


def _is_data(ctx: Context, node: Node) -> bool:
    """Is this an array or a table of real data, or at least not a list of paths or numbers?"""
    if _refers(getattr(node, "value", "")):
        return False
    values = ctx.values(node)
    if ctx.facts.datasets.reads_named_files and all(value.kind == "frame" for value in values):
        return False
    if any(value.kind in ("array", "frame") and not ctx.facts.shapes.is_made_up(value) for value in values):
        return True
    return all(value.kind in ("unknown", "parameter", "foreign") for value in values) and not any(
        value.kind == "parameter" for value in values
    )
