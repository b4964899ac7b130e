"""No rule speaks by default without a measurement that bears it out, and none where a measurement says otherwise."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kerasmem_lint.engine.registry import all_rules
from kerasmem_lint.rule import Rule

RESULTS = Path(__file__).parents[1] / "fixtures" / "measurements" / "results"
RULES = [loaded.rule for loaded in all_rules() if "KM100" < loaded.rule.code < "KM900"]
ON = [rule for rule in RULES if rule.default]

REWORDED = {("KM102", "jax"), ("KM205", "jax"), ("KM207", "jax"), ("KM207", "torch")}
"""Where a record refutes a claim, and the rule knows: it is silent about it there, or speaks of time, or names another remedy."""


@cache
def records(code: str) -> dict[str, Any]:
    """The records of a rule by backend; ``none`` where no framework takes part."""
    found = map(json.loads, (path.read_text(encoding="utf-8") for path in RESULTS.glob(f"{code}-*.json")))
    return {record["backend"]: record for record in found}


def code_of(rule: Rule) -> str:
    return rule.code


@pytest.mark.parametrize("rule", ON, ids=code_of)
def test_a_rule_on_by_default_has_a_record_that_supports_it(rule: Rule) -> None:
    supporting = {backend for backend, record in records(rule.code).items() if record["supported"]}
    assert supporting & {*rule.backends, "none"}


@pytest.mark.parametrize("rule", ON, ids=code_of)
def test_a_rule_is_not_declared_for_a_backend_whose_record_refutes_it(rule: Rule) -> None:
    refuted = {backend for backend, record in records(rule.code).items() if not record["supported"]}
    reworded = {backend for code, backend in REWORDED if code == rule.code}
    assert reworded == refuted & set(rule.backends)


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.default], ids=code_of)
def test_a_rule_that_is_off_says_why(rule: Rule) -> None:
    assert rule.why_preview
