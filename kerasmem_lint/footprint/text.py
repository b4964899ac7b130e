"""A footprint for people: the verdict, what eats the memory, when, and what was assumed."""

from __future__ import annotations

from kerasmem_lint.footprint.account import Footprint, LayerShare
from kerasmem_lint.footprint.program import FootprintError
from kerasmem_lint.footprint.remedies import LargestBatch, Remedy

BAR_WIDTH = 50
MOST_LAYERS = 10
_FILLS = {
    "weights": "W",
    "non_trainable": "n",
    "gradients": "G",
    "slots": "S",
    "activations": "A",
    "batch": "B",
    "temporaries": "t",
    "workspace": "w",
    "overhead": "o",
    "fragmentation": "·",
}


def size(count: int) -> str:
    """Bytes with the unit that drivers and compilers use."""
    if count >= 10 << 20:
        return f"{count / (1 << 30):.2f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"
    if count < 1 << 10:
        return f"{count} B"
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{count / 1024:.1f} KiB"


def plain(text: str) -> str:
    """Text from the user's program without anything that could move a terminal's cursor or colour it."""
    return "".join(char if char.isprintable() else "?" for char in text)


def failure_line(error: FootprintError) -> str:
    """Why there is no footprint, and the line of the program that it happened at, where that is known."""
    return f"{error} ({_place(error.file, error.line, error.cell)})" if error.file else str(error)


def verdict_line(footprint: Footprint) -> str:
    """One sentence: whether the step fits, what it needs, what there is."""
    need = f"{size(footprint.peak)} needed ({size(footprint.low)} to {size(footprint.high)}), {size(footprint.limit)} available"
    opening = {
        "yes": f"fits {footprint.gpu}",
        "no": f"does NOT fit {footprint.gpu}",
        "unsure": f"may or may not fit {footprint.gpu}",
    }[footprint.fits]
    return f"batch {footprint.batch} {opening}: {need}"


def bar(footprint: Footprint) -> str:
    """The categories as one bar; a category of any size has at least one cell."""
    cells = ""
    for category, count in footprint.by_category:
        if count > 0:
            cells += _FILLS[category] * max(1, round(BAR_WIDTH * count / footprint.peak))
    return f"[{cells}]"


def render(footprint: Footprint, largest: LargestBatch | None = None, remedies: tuple[Remedy, ...] = ()) -> str:
    """The whole answer as text, without colours."""
    lines = [verdict_line(footprint)]
    if footprint.file:
        place = _place(footprint.file, footprint.line, footprint.cell)
        lines.append(f"  {place}, {footprint.backend} backend, engine {footprint.engine}")
    lines += ["", f"  {bar(footprint)}"]
    for category, count in footprint.by_category:
        if count > 0:
            share = f"{100 * count / footprint.peak:5.1f} %"
            lines.append(f"  {_FILLS[category]} {category.replace('_', '-'):<14} {size(count):>10}  {share}")
    lines += ["", f"  at the peak: {_moment(footprint)}", "", "  largest layers"]
    lines += [_layer_line(layer) for layer in footprint.by_layer if layer.path][:MOST_LAYERS]
    if largest is not None:
        lines += ["", f"  {largest_line(largest)}"]
    if remedies:
        lines += ["", "  what would help"]
        lines += [f"  - {remedy.title}: {size(remedy.footprint.peak)}, {_change(footprint, remedy)}" for remedy in remedies]
    lines += ["", "  assumed"]
    lines += [f"  - {plain(text)}" for text in footprint.assumptions]
    versions = ", ".join(f"{name} {version}" for name, version in footprint.versions)
    lines.append(f"  - {plain(versions)}")
    return "\n".join(lines) + "\n"


def largest_line(largest: LargestBatch) -> str:
    """The largest batch, or that there is none."""
    if largest.batch is None:
        return "no batch fits, not even one sample"
    return f"largest batch that fits: {largest.batch} ({size(largest.peak)}; {largest.compiles} batches were tried)"


def _moment(footprint: Footprint) -> str:
    moment = footprint.moment
    where = f" in {plain(moment.layer)}" if moment.layer else ""
    return f"{moment.phase} pass{where}{', ' + plain(moment.op) if moment.op else ''}"


def _place(file: str, line: int, cell: int | None) -> str:
    return f"{plain(file)}:{line}" if cell is None else f"{plain(file)}:cell {cell}:{line}"


def _layer_line(layer: LayerShare) -> str:
    parts = ", ".join(f"{category.replace('_', '-')} {size(count)}" for category, count in layer.by_category[:3] if count)
    place = f"  {_place(layer.file, layer.line, layer.cell)}" if layer.file else ""
    return f"  {size(layer.bytes):>10}  {plain(layer.path)} ({plain(layer.kind) or 'layer'}){place}  {parts}"


def _change(footprint: Footprint, remedy: Remedy) -> str:
    change = (remedy.footprint.peak - footprint.peak) / footprint.peak
    return f"{change:+.0%}, {'fits' if remedy.footprint.fits == 'yes' else 'does not surely fit'}"
