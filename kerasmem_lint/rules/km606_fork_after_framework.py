"""# A fork after the framework was used

A process forked after TensorFlow or JAX has run anything hangs as soon as it uses the framework itself.

## Why it costs memory

It does not: the child inherits locks of threads that it does not have, and waits for them for ever, with all of the
parent's memory mapped, on all three backends. On Linux `multiprocessing` forked by default until Python 3.14. Started by
`spawn`, a worker imports the framework afresh: that works, and costs the memory of one more framework each.

## Examples

```python bad
model = keras.models.load_model("classifier.keras")

def score(path):
    return model.predict(read(path))

with Pool(4) as pool:  # KM606
    scores = pool.map(score, paths)
```

```python good
model = keras.models.load_model("classifier.keras")

def score(path):
    return model.predict(read(path))

with multiprocessing.get_context("spawn").Pool(4) as pool:
    scores = pool.map(score, paths)
```

## When it is quiet

- The file chooses a start method: `set_start_method`, `get_context`, `mp_context=`.
- The children do not use the framework, or the parent has not used it before.
- Tests.

## Known limits

What the parent did in other files, or inside functions that it imports, cannot be seen.
"""

from kerasmem_lint.rule import Context, Finding, Iterator, Remedy, Rule, Site

RULE = Rule(
    code="KM606",
    name="fork-after-framework",
    since="0.1.0",
    severity="error",
    confidence="medium",
    message="a process forked after the framework was used hangs when it uses it itself",
    calls=(
        "multiprocessing.Process", "multiprocessing.Pool", "multiprocessing.pool.Pool", "concurrent.futures.ProcessPoolExecutor",
    ),
    words=("Process", "Pool"),
)  # fmt: skip


def check(ctx: Context, site: Site) -> Iterator[Finding]:
    maker = site.node
    workers = ctx.facts.workers
    if workers.starts_afresh:
        return
    inside = next((call for call in workers.calls_of(workers.targets(maker)) if workers.runs_framework(call)), None)
    before = workers.used_before(maker) if inside is not None else None
    if inside is None or before is None:
        return
    yield Finding(
        maker,
        "the framework has run in this process already: a forked child hangs as soon as it uses it",
        ((before, "runs the framework in the parent"), (inside, "and this in the child")),
        Remedy('Start the processes by `multiprocessing.get_context("spawn")`'),
    )
