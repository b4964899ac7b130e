"""What a measurement script declares: its variants, its metrics and the claims they decide."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "fixtures" / "measurements"
BACKENDS = ("tensorflow", "jax", "torch", "none")
_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "Torch"}
KIB = 1024
MIB = 1024 * KIB

Figures = Mapping[str, float]


class Bounds(NamedTuple):
    """A closed range; None leaves that side open."""

    low: float | None = None
    high: float | None = None

    def hold(self, value: float) -> bool:
        """True if ``value`` lies in the range, ends included."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True)
class Metric:
    """One kind of figure.

    ``unit`` starts with "bytes" or "seconds" for figures that are printed in MiB or ms.
    A repeated figure is the same while it differs by at most ``tolerance`` (a share of the recorded median) or ``floor``
    (in the unit).
    """

    unit: str
    tolerance: float = 0.2
    floor: float = 0.0


@dataclass(frozen=True)
class Variant:
    """One way to write the code, measured in a process of its own.

    ``run`` returns one figure for each metric that the variant has; ``backends`` is empty where it runs on all of the study's.
    """

    name: str
    what: str
    run: Callable[[], Figures]
    backends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A sentence that figures can refute.

    ``value`` bounds the median of ``bad``, ``difference`` bounds bad - good, ``ratio`` bounds bad / good; all given must hold.
    A claim that is not ``decisive`` is reported, but the rule does not stand or fall with it.
    """

    key: str
    says: str
    metric: str
    bad: str
    good: str | None = None
    value: Bounds | None = None
    difference: Bounds | None = None
    ratio: Bounds | None = None
    decisive: bool = True


@dataclass(frozen=True)
class Finding:
    """What a study says for one backend: claims, and a sentence with places like ``{variant.metric}`` and ``{claim.ratio}``."""

    claims: tuple[Claim, ...]
    headline: str


@dataclass(frozen=True)
class Study:
    """One measurement script: everything a rule claims about cost."""

    code: str
    rule: str
    metrics: Mapping[str, Metric]
    variants: tuple[Variant, ...]
    findings: Mapping[str, Finding]
    memory_cap: int = 6 * 1024 * MIB
    time_limit: float = 600.0
    packages: tuple[str, ...] = field(default=())

    def variants_on(self, backend: str) -> tuple[Variant, ...]:
        """The variants that are measured on ``backend``."""
        return tuple(variant for variant in self.variants if not variant.backends or backend in variant.backends)

    def decisive_variants_on(self, backend: str) -> tuple[Variant, ...]:
        """The variants that the decisive claims of ``backend`` compare."""
        compared = {name for claim in self.findings[backend].claims if claim.decisive for name in (claim.bad, claim.good)}
        return tuple(variant for variant in self.variants_on(backend) if variant.name in compared)

    def variant(self, name: str) -> Variant:
        """The variant called ``name``; KeyError if there is none."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)


def each_backend(finding: Callable[[str], Finding], *backends: str) -> dict[str, Finding]:
    """One finding for several backends, for all of Keras' unless they are given; it is made from the name people call each by."""
    return {backend: finding(_NAMES[backend]) for backend in backends or _NAMES}


def known_codes(scripts: Path) -> tuple[str, ...]:
    """The codes that have a script in the folder ``scripts``, sorted."""
    return tuple(sorted(path.stem.upper() for path in scripts.glob("km[0-9][0-9][0-9].py")))


def load_study(scripts: Path, code: str) -> Study:
    """Import the script of ``code``; scripts keep framework imports inside their functions, so this is cheap."""
    if str(scripts) not in sys.path:
        sys.path.insert(0, str(scripts))
    study = importlib.import_module(code.lower()).STUDY
    assert isinstance(study, Study)
    return study
