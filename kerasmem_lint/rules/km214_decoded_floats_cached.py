"""# A cache of decoded data

`cache()` without a file name, after images were decoded, keeps all of them in memory as numbers.

## Why it costs memory

The cache holds what the steps before it made. Decoded images cast to float32 are four times the same images in uint8, and many times
their files. Cached as uint8 and cast after the cache they take a quarter, cached before they are decoded the size of the files.

## Examples

```python bad
def load(path):
    image = tf.io.decode_jpeg(tf.io.read_file(path))
    return tf.image.resize(image, (64, 64))

train_ds = tf.data.Dataset.list_files("images/*.jpg").map(load).cache()  # KM214
```

```python bad
train_ds = keras.utils.image_dataset_from_directory("images").cache()  # KM214
```

```python good
def load(path):
    return tf.io.decode_jpeg(tf.io.read_file(path))

train_ds = tf.data.Dataset.list_files("images/*.jpg").cache().map(load)
```

```python good
train_ds = keras.utils.image_dataset_from_directory("images").cache("cache.tmp")
```

## When it is quiet

- A cache with a file name, or before the step that decodes.
- After `take` with a literal number of at most 1,000.
- Pipelines in which no step that decodes can be seen.

## Known limits

How many images there are cannot be seen: where they fit in memory, caching them is right. That is why the rule is off by default.
"""

from kerasmem_lint.rule import Context, Finding, Iterator, Remedy, Rule, Site

RULE = Rule(
    code="KM214",
    name="decoded-floats-cached",
    since="0.1.0",
    severity="info",
    confidence="low",
    message="this cache keeps all decoded images in memory",
    calls=("Dataset.cache",),
    status="preview",
    default=False,
    why_preview="whether the decoded data fits into memory cannot be seen in the file, and caching what fits is right",
)

_LOADERS = ("keras.utils.image_dataset_from_directory", "keras.utils.audio_dataset_from_directory")
_SMALL = 1000


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    call = site.node
    if call.args:
        return
    for step in ctx.facts.datasets.before(call):
        count = ctx.integer(ctx.argument(step.call, 0, "count")) if step.name == "take" else None
        if step.name in ("cache", "snapshot") or (count is not None and count <= _SMALL):
            return
        decoded = step.call if step.name in _LOADERS else ctx.facts.datasets.decodes(step) if step.name == "map" else None
        if decoded is not None:
            yield Finding(
                call,
                "this cache keeps all decoded data in memory",
                ((decoded, "decoded here"),),
                Remedy("Cache before decoding, cast to float after the cache, or give the cache a file name"),
            )
            return
