"""``kerasmem-lint gpus``: the GPUs that a footprint can be planned for."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from kerasmem_lint.cli.output import write
from kerasmem_lint.knowledge import gpus


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the verb its arguments."""
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry the verb out; always 0."""
    known = gpus.table()
    if args.format == "json":
        body = {"version": 1, "gpus": [asdict(gpu) for gpu in known.values()], "aliases": gpus.aliases()}
        write(json.dumps(body, indent=2) + "\n", None)
        return 0
    named: dict[str, list[str]] = {}
    for alias, key in gpus.aliases().items():
        named.setdefault(key, []).append(alias)
    width = max(len(key) for key in known)
    lines = []
    for key, gpu in known.items():
        also = f"  also: {', '.join(named[key])}" if key in named else ""
        memory = f"{gpu.memory / (1 << 30):6.1f} GiB"
        lines.append(f"{key:<{width}}  {memory}  compute {gpu.compute_capability:<5} {gpu.kind:<12}{also}\n")
    write("".join(lines), None)
    return 0
