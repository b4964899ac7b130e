"""# Dividing uint8 images makes float64

NumPy divides a uint8 array by a Python number in float64: eight bytes for every byte of the images.

## Why it costs memory

A pixel of one byte becomes eight, and `fit` then casts the whole array once more, to float32. `x.astype("float32") /
255` is half of that, a `Rescaling` layer inside the model leaves the images at one byte each.

## Examples

```python bad
(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
x_train = x_train / 255.0  # KM201
model.fit(x_train, y_train)
```

```python fixed
(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
x_train = x_train.astype("float32") / 255.0
model.fit(x_train, y_train)
```

```python good
(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
model = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(10)])
model.fit(x_train, y_train)
```

## When it is quiet

- A cast to float32 or float16 before the division, or a divisor of such a type (`np.float32(255)`).
- Single images, slices with bounds, tensors.
- Arrays whose dtype this file does not show.

## Fix safety

Unsafe: `x.astype("float32") / 255.0` differs in the last bits from the float64 result.
"""

from kerasmem_lint.rule import Change, Context, Finding, Iterator, Node, Remedy, Rule, Site

RULE = Rule(
    code="KM201",
    name="uint8-divided-to-float64",
    since="0.1.0",
    severity="warning",
    confidence="high",
    message="dividing uint8 makes float64: 8 bytes where there was 1",
    divisions=True,
    words=("load_data", "imread", "uint8", "Image.open", "load_img", "decode_"),
)

_KNOWN_SOURCES = ("keras-dataset", "images", "file", "split")


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    node = site.node
    if not hasattr(node, "left") or _uint8_in(ctx, node.left) is None or not _is_number(ctx, node.right):
        return
    siblings = [other for other in _divisions_of_statement(ctx, node) if _uint8_in(ctx, other.left) is not None]
    if siblings and siblings[0] is not node:
        return  # one finding a statement, with one fix for all of it
    arrays = tuple(dict.fromkeys(_uint8_in(ctx, other.left) for other in siblings))
    changes = tuple(Change(array, '.astype("float32")', "after") for array in arrays if _is_simple(array))
    yield Finding(
        node,
        f"dividing uint8 makes float64: `{ctx.code(arrays[0])}` grows from 1 byte a value to 8",
        remedy=Remedy(
            'Cast first: `.astype("float32")`, or leave uint8 and let a `Rescaling` layer divide',
            "unsafe" if len(changes) == len(arrays) else "display",
            changes if len(changes) == len(arrays) else (),
        ),
    )


def _is_whole_uint8(ctx: Context, node: Node) -> bool:
    value = ctx.value(node)
    return value.kind == "array" and value.dtype == "uint8" and not value.part and value.origin in _KNOWN_SOURCES


def _uint8_in(ctx: Context, node: Node) -> Node | None:
    """The array itself, or the one in `x - 127.5`, which NumPy makes float64 just as well."""
    if type(node).__name__ == "BinaryOperation" and _is_number(ctx, node.right):
        node = node.left
    return node if _is_whole_uint8(ctx, node) else None


def _is_number(ctx: Context, node: Node) -> bool:
    return ctx.number(node) is not None


def _divisions_of_statement(ctx: Context, node: Node) -> list[Node]:
    statement = ctx.facts.syntax.statement(node)
    divisions: list[Node] = list(ctx.facts.syntax.divisions)
    return [
        other
        for other in divisions
        if hasattr(other, "left") and ctx.facts.syntax.statement(other) is statement and _is_number(ctx, other.right)
    ]


def _is_simple(node: Node) -> bool:
    """Can `.astype(…)` be put behind the expression as it stands?"""
    return type(node).__name__ in ("Name", "Attribute", "Call", "Subscript")
