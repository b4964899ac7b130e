"""Records: figures of a study on one backend as deterministic JSON, and what can be concluded from them."""

from __future__ import annotations

import json
import os
import platform
import statistics
import string
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tools.measure.study import KIB, MIB, Bounds, Claim, Metric, Study

SCHEMA = 1
_DIGITS = 6

Runs = Mapping[str, Mapping[str, list[float]]]
Record = dict[str, Any]


def build_record(study: Study, backend: str, runs: Runs, versions: Mapping[str, str], on: date) -> Record:
    """The record of ``runs`` (variant → metric → figures): medians, claims, verdict and headline.

    Where a variant was not measured, the claims that need it are left out and the headline is None.
    """
    finding = study.findings[backend]
    rounded = {
        name: {metric: [_round(value) for value in values] for metric, values in metrics.items()}
        for name, metrics in runs.items()
    }
    medians = {
        name: {metric: _round(statistics.median(values)) for metric, values in metrics.items()}
        for name, metrics in rounded.items()
    }
    measured = [claim for claim in finding.claims if {claim.bad, claim.good or claim.bad} <= medians.keys()]
    claims = [_judge(claim, study.metrics[claim.metric], medians) for claim in measured]
    complete = medians.keys() == {variant.name for variant in study.variants_on(backend)}
    variants = {
        name: {
            "what": study.variant(name).what,
            "metrics": {
                metric: _metric(study.metrics[metric], values, medians[name][metric])
                for metric, values in sorted(metrics.items())
            },
        }
        for name, metrics in sorted(rounded.items())
    }
    return {
        "schema": SCHEMA,
        "code": study.code,
        "rule": study.rule,
        "backend": backend,
        "supported": all(claim["holds"] for claim in claims if claim["decisive"]),
        "headline": fill(finding.headline, {"variants": variants, "claims": claims}) if complete else None,
        "claims": claims,
        "variants": variants,
        "versions": dict(sorted(versions.items())),
        "machine": {"cores": os.cpu_count(), "system": platform.system()},
        "date": on.isoformat(),
    }


def record_path(scripts: Path, code: str, backend: str) -> Path:
    """Where the record of ``code`` on ``backend`` is kept."""
    return scripts / "results" / f"{code}-{backend}.json"


def read_record(path: Path) -> Record | None:
    """The record in the file ``path``, or None if there is none."""
    if not path.exists():
        return None
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    return record


def write_record(path: Path, record: Record) -> None:
    """Write ``record`` to the file ``path``."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_text(record), encoding="utf-8")


def to_text(record: Record) -> str:
    """The file's text: keys sorted, so that the same figures are the same bytes."""
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def rebuilt(study: Study, record: Record) -> Record:
    """What the figures of ``record`` say under the study as it is now; date, machine and versions are kept."""
    fresh = build_record(
        study, record["backend"], recorded_runs(record), record["versions"], date.fromisoformat(record["date"])
    )
    return fresh | {"machine": record["machine"]}


def recorded_runs(record: Record) -> dict[str, dict[str, list[float]]]:
    """The figures of ``record``: variant → metric → one figure a run."""
    return {
        name: {metric: list(entry["runs"]) for metric, entry in variant["metrics"].items()}
        for name, variant in record["variants"].items()
    }


def drift(recorded: Record, now: Record) -> list[str]:
    """One line for each figure or claim of ``now`` that differs from what was recorded; empty if all hold."""
    where = f"{now['code']} {now['backend']}"
    lines = []
    for name, variant in now["variants"].items():
        for metric, fresh in variant["metrics"].items():
            entry = recorded["variants"].get(name, {}).get("metrics", {}).get(metric)
            if entry is None:
                lines.append(f"{where} {name}.{metric}: measured, but not in the record; run with --record")
                continue
            allowed = max(entry["floor"], entry["tolerance"] * abs(entry["median"]))
            if abs(fresh["median"] - entry["median"]) > allowed:
                was, is_now, spread = (show(value, entry["unit"]) for value in (entry["median"], fresh["median"], allowed))
                lines.append(f"{where} {name}.{metric}: recorded {was}, now {is_now} (may differ by {spread})")
    before = {claim["key"]: claim["holds"] for claim in recorded["claims"]}
    changed = [claim for claim in now["claims"] if before.get(claim["key"], claim["holds"]) != claim["holds"]]
    return lines + [f"{where}: “{claim['says']}” {'now holds' if claim['holds'] else 'no longer holds'}" for claim in changed]


def fill(template: str, record: Record) -> str:
    """``template`` with its places ``{variant.metric}``, ``{claim.ratio}`` and ``{claim.difference}`` filled from ``record``.

    Any other place raises ``KeyError`` or ``AttributeError``.
    """
    units = {
        (name, metric): entry["unit"]
        for name, variant in record["variants"].items()
        for metric, entry in variant["metrics"].items()
    }
    places: dict[str, SimpleNamespace] = {
        name: SimpleNamespace(**{metric: (entry["median"], entry["unit"]) for metric, entry in variant["metrics"].items()})
        for name, variant in record["variants"].items()
    }
    for claim in record["claims"]:
        unit = units[claim["bad"], claim["metric"]]
        place = places.setdefault(claim["key"], SimpleNamespace())
        place.ratio = claim["ratio"]
        place.difference = None if claim["difference"] is None else (claim["difference"], unit)
    return _Formatter().vformat(template, (), places)


def show(value: float, unit: str) -> str:
    """``value`` for people: bytes as KiB or MiB, seconds as ms, flags as yes or no; the rest of the unit is dropped."""
    if unit.startswith("bytes"):
        return _bytes(value)
    if unit.startswith("seconds"):
        return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
    if unit == "yes or no":
        return "yes" if value else "no"
    if unit.startswith("times"):
        return f"{value:.3g}"
    return f"{value:.6g}"


def _bytes(value: float) -> str:
    size = abs(value)
    if size >= 100 * MIB:
        return f"{value / MIB:.0f} MiB"
    if size >= 10 * MIB:
        return f"{value / MIB:.1f} MiB"
    if size >= MIB / 10:
        return f"{value / MIB:.2f} MiB"
    if size >= KIB / 10:
        return f"{value / KIB:.1f} KiB"
    return f"{value:.0f} B"


def _round(value: float) -> float:
    """Six significant digits: figures beyond that are noise, and files stay small."""
    return float(f"{value:.{_DIGITS}g}")


def _metric(metric: Metric, values: list[float], median: float) -> Record:
    return {"unit": metric.unit, "runs": values, "median": median, "tolerance": metric.tolerance, "floor": metric.floor}


def _judge(claim: Claim, metric: Metric, medians: Mapping[str, Mapping[str, float]]) -> Record:
    bad = medians[claim.bad][claim.metric]
    good = None if claim.good is None else medians[claim.good][claim.metric]
    difference = None if good is None else _round(bad - good)
    ratio = None if good is None or good <= 0 else _round(bad / good)
    tests = [
        (claim.value, bad, "{bad}", metric.unit),
        (claim.difference, difference, "{bad} - {good}", metric.unit),
        (claim.ratio, ratio, "{bad} / {good}", "ratio"),
    ]
    conditions = [
        _condition(bounds, label.format(bad=claim.bad, good=claim.good), unit) for bounds, _, label, unit in tests if bounds
    ]
    holds = all(value is not None and bounds.hold(value) for bounds, value, _, _ in tests if bounds)
    return {
        "key": claim.key,
        "says": claim.says,
        "metric": claim.metric,
        "bad": claim.bad,
        "good": claim.good,
        "bad_median": bad,
        "good_median": good,
        "difference": difference,
        "ratio": ratio,
        "condition": " and ".join(conditions),
        "holds": holds,
        "decisive": claim.decisive,
    }


def _condition(bounds: Bounds, label: str, unit: str) -> str:
    low, high = (None if end is None else show(end, unit) for end in bounds)
    if low is None:
        return f"{label} ≤ {high}"
    if high is None:
        return f"{label} ≥ {low}"
    return f"{label} = {low}" if low == high else f"{low} ≤ {label} ≤ {high}"


class _Formatter(string.Formatter):
    """Fills ``{variant.metric}`` and ``{claim.ratio}``; any other place is an error, so no typed figure slips in unnoticed."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, tuple):
            return show(*value)
        if value is None:
            return "—"
        return format(value, format_spec or ".3g")
