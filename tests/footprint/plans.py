"""The stored plans of ``data/``, for the tests of the parts that need no framework."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from kerasmem_lint.footprint import hlo
from kerasmem_lint.footprint.account import Account, account_for_plan
from kerasmem_lint.footprint.names import Names, Parameter

DATA = Path(__file__).parent / "data"
NAMES = tuple(sorted(path.name.removesuffix(".json.gz") for path in DATA.glob("*.json.gz")))


def stored(name: str) -> tuple[hlo.Dump, dict[str, Any]]:
    """The compiler's notes, and the child's result that came with them."""
    body = json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))
    notes = body["notes"]
    return hlo.Dump(notes["buffers.txt"], notes["ranges.txt"], notes["values.txt"]), body["result"]


def accounted(name: str) -> Account:
    """The account of a stored plan."""
    dump, result = stored(name)
    names = Names(result["layers"], {}, result["optimizer"])
    return account_for_plan(dump, [Parameter(*row) for row in result["parameters"]], names, result["plan"]["peak"])
