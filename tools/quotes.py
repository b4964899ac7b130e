"""Figures that a page quotes from the records of the measurements, so that nobody types them.

In a document, ``{{KM501 tensorflow two_persistent.peak}}`` stands for a figure of the record ``KM501-tensorflow.json``:
the median of a metric of a variant, ``{{… claim.ratio}}`` or ``{{… claim.difference}}``. A format may follow, as in ``held.ratio:.0f``.
``{{KM501 tensorflow}}`` stands for the whole headline. The records and the names in them are described in fixtures/measurements/README.md.
"""

from __future__ import annotations

import re
from pathlib import Path

from tools.measure.records import Record, fill, read_record, record_path

RECORDED = Path("fixtures", "measurements")
"""The scripts with their records, from the root of the repository."""

_QUOTE = re.compile(r"\{\{\s*(?P<code>KM\d{3})(?P<rest>[^{}\n]*)\}\}")
_REST = re.compile(r" (?P<backend>[a-z]+)(?: (?P<place>\w+\.\w+(?::[^\s:]+)?))?\s*")


def quoted(text: str, source: str, root: Path) -> str:
    """The text of the document ``source`` with its quotes filled in. Ends the program at the first that cannot be."""

    def figure(found: re.Match[str]) -> str:
        try:
            return _figure(found["code"], found["rest"], root)
        except ValueError as error:
            line = text.count("\n", 0, found.start()) + 1
            raise SystemExit(f"{source}:{line}: {found[0]}: {error}") from None

    return _QUOTE.sub(figure, text)


def _figure(code: str, rest: str, root: Path) -> str:
    parts = _REST.fullmatch(rest)
    if parts is None:
        raise ValueError("a quote is a code, a backend and, unless the headline is meant, a place such as variant.metric")
    path = record_path(root / RECORDED, code, parts["backend"])
    record = read_record(path)
    if record is None:
        raise ValueError(f"there is no record {path.relative_to(root).as_posix()}")
    if parts["place"] is None:
        if record["headline"] is None:
            raise ValueError("not all of it was measured, so that it has no headline")
        return str(record["headline"]).rstrip(".")
    try:
        return fill("{" + parts["place"] + "}", record)
    except (KeyError, AttributeError):
        raise ValueError(f"the record has no such figure, but {', '.join(_places(record))}") from None


def _places(record: Record) -> list[str]:
    variants = [f"{name}.{metric}" for name, variant in record["variants"].items() for metric in variant["metrics"]]
    return variants + [f"{claim['key']}.ratio" for claim in record["claims"] if claim["ratio"] is not None]
