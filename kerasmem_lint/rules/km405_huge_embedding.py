"""# A huge embedding

An `Embedding` of so many rows and columns that its table, gradient and optimizer slots do not fit where the rest of the
model does.

## Why it costs memory

The table has `input_dim` × `output_dim` numbers. Training with Adam keeps two slots of the same size next to it, whether a
row occurs in a batch or not.

## Examples

```python bad
layer = keras.layers.Embedding(2_000_000, 128)  # KM405
```

```python good
layer = keras.layers.Embedding(20_000, 128)
```

## When it is quiet

- Sizes that this file does not tell; fewer than `min-weights` numbers; `trainable=False`; tests.

## Options

- `min-weights` (50000000): report tables of at least this many numbers.
"""

from dataclasses import dataclass

from kerasmem_lint.rule import Context, Finding, Iterator, Remedy, Rule, Site


@dataclass(frozen=True)
class Options:
    min_weights: int = 50_000_000


RULE = Rule(
    code="KM405",
    name="huge-embedding",
    since="0.1.0",
    severity="info",
    confidence="medium",
    message="this embedding holds tens of millions of weights",
    calls=("keras.layers.Embedding",),
    words=("Embedding(",),
    status="preview",
    default=False,
    why_preview="whether a table of this size fits depends on the device",
    options=Options,
)


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    layer = site.node
    weights = ctx.facts.kernels.weights(layer)
    if weights is None or weights < ctx.options.min_weights or ctx.boolean(ctx.argument(layer, None, "trainable")) is False:
        return
    megabytes = round(weights * 4 / 1e6)
    yield Finding(
        layer,
        f"this table holds {weights / 1e6:.0f} million weights: {megabytes:,} MB in float32, "
        f"{3 * megabytes:,} MB with Adam's slots",
        remedy=Remedy("Hash or cut the vocabulary, or take fewer columns; an optimizer without slots leaves only the table"),
    )
