"""Which rules can have anything to say about a file, told from its text and its ``ast``: most files need no libcst at all.

The gate is made from what the rules declare. It may open for nothing; it never shuts on a file in which a rule has a site: what
libcst would name as a callee, its last part is called, or is imported or assigned under a name that is. The text is asked first (a
name in a string is as good as a call there). Where it lets few rules through, the tree is asked the same once more, and which
calls are assigned.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from kerasmem_lint.engine.selection import ActiveRule, ActiveRules
from kerasmem_lint.knowledge.calls import SEARCHES
from kerasmem_lint.knowledge.names import OLD_LAST_NAMES

_CALLED = re.compile(r"\b([A-Za-z_]\w*)[\s\\]*\(")
_IMPORT_LINES = re.compile(r"^[ \t]*(?:from|import)\b[^#\n]*\bas\b.*$|^[ \t]*\(?[\w.]+[ \t]+as[ \t]+\w+", re.MULTILINE)
_IMPORTED_AS = re.compile(r"(\w+)[ \t]+as[ \t]+(\w+)")
_ASSIGNED = re.compile(r"^[ \t]*(\w+)[ \t]*(?::[^=\n]*)?=[ \t]*(?:\w+\.)*(\w+)[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_NAMES = re.compile(r"[A-Za-z_]\w*")
_LOOPS = re.compile(r"\b(?:for|while)\b")
_STORES = re.compile(r"^[^\]\n]*\][^\n]*=", re.MULTILINE)
_SEARCHES = frozenset({"optimize", *(name.rpartition(".")[2] for name in SEARCHES)})
"""Last names of calls that run a function of this file many times: as good as a loop."""

_FEW = 6
"""So many rules at most, and the tree is asked as well: training scripts, for which more ask, are not walked for nothing."""


@dataclass(frozen=True, slots=True)
class Sites:
    """What there may be in a file that a rule asks for; ``assigned`` are the called names whose result may be given a name."""

    called: frozenset[str]
    assigned: frozenset[str]
    loops: bool
    divisions: bool
    stores: bool
    classes: bool


def worth_asking(text: str, tree: ast.Module, active: ActiveRules) -> tuple[ActiveRule, ...]:
    """The rules that may have a site in this file; ``tree`` is its ``ast``."""
    sites = _sites_of_text(text)
    backend = active.settings.backend
    placed = [item for item in active.once(_profiles) if item.has_site(sites) and item.may_run(text, backend)]
    # A word that is part of a name is looked for in the names, each once, not in the whole text.
    vocabulary = " ".join(set(_NAMES.findall(text)))
    worded = [item for item in placed if item.is_worded(vocabulary, text, backend)]
    if 0 < len(worded) <= _FEW:
        sites = _sites_of_tree(tree)
        worded = [item for item in worded if item.has_site(sites)]
    return tuple(item.rule for item in worded)


def _sites_of_tree(tree: ast.Module) -> Sites:
    called: set[str] = set()
    assigned: set[str] = set()
    aliases: dict[str, set[str]] = {}
    kinds: set[type[ast.AST]] = set()
    stores = False
    for node in ast.walk(tree):
        kind = node.__class__
        kinds.add(kind)
        if isinstance(node, ast.Call):
            called.add(_last(node.func))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            if isinstance(node.value, ast.Call):
                assigned.add(_last(node.value.func))
            elif isinstance(node.value, (ast.Name, ast.Attribute)):
                for target in node.targets if isinstance(node, ast.Assign) else (node.target,):
                    aliases.setdefault(_last(target), set()).add(_last(node.value))
        elif isinstance(node, ast.alias):
            if node.asname:
                aliases.setdefault(node.asname, set()).add(node.name.rpartition(".")[2])
        elif isinstance(node, ast.Subscript):
            stores = stores or isinstance(node.ctx, ast.Store)
    called_names = _with_originals(called, aliases)
    return Sites(
        called_names,
        _with_originals(assigned, aliases),
        not kinds.isdisjoint((ast.For, ast.AsyncFor, ast.While, ast.comprehension)) or not called_names.isdisjoint(_SEARCHES),
        ast.Div in kinds,
        stores,
        ast.ClassDef in kinds,
    )


def _last(node: ast.expr) -> str:
    """The last part of a dotted name; nothing for what is none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _sites_of_text(text: str) -> Sites:
    called = set(_CALLED.findall(text))
    aliases: dict[str, set[str]] = {}
    for line in _IMPORT_LINES.findall(text):
        for original, alias in _IMPORTED_AS.findall(line):
            aliases.setdefault(alias, set()).add(original)
    for alias, original in _ASSIGNED.findall(text):
        # `Dense = keras.layers.Dense`: an alias of the file's own making.
        aliases.setdefault(alias, set()).add(original)
    called_names = _with_originals(called, aliases)
    return Sites(
        called_names,
        called_names,
        _LOOPS.search(text) is not None or not called_names.isdisjoint(_SEARCHES),
        "/" in text,
        _STORES.search(text) is not None,
        "class " in text,
    )


def _with_originals(names: set[str], aliases: dict[str, set[str]]) -> frozenset[str]:
    """The names, and the names that they are aliases of."""
    todo = [name for name in names if name in aliases]
    while todo:
        for original in aliases.get(todo.pop(), ()):
            if original not in names:
                names.add(original)
                todo.append(original)
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class _Words:
    """Words of which one must occur: the ``parts`` of names, and the ``phrases`` that are more than a name."""

    parts: tuple[str, ...]
    phrases: tuple[str, ...]

    def occur(self, vocabulary: str, text: str) -> bool:
        if not self.parts and not self.phrases:
            return True
        return any(part in vocabulary for part in self.parts) or any(phrase in text for phrase in self.phrases)


@dataclass(frozen=True, slots=True)
class _Profile:
    """What a rule declares, in the form in which the gate asks for it."""

    rule: ActiveRule
    last: frozenset[str]
    words: _Words
    beside: _Words
    any_call: bool

    def has_site(self, sites: Sites) -> bool:
        rule = self.rule.rule
        if rule.in_loop and not sites.loops:
            return False
        if (rule.divisions and sites.divisions) or (rule.stores and sites.stores) or (rule.bases and sites.classes):
            return True
        return self.any_call or not self.last.isdisjoint(sites.assigned if rule.assigned else sites.called)

    def may_run(self, text: str, backend: str | None) -> bool:
        """Can the file be on a backend for which the rule holds? TensorFlow needs no word; the others are named where they are used."""
        backends = self.rule.rule.backends
        return "tensorflow" in backends or backend in backends or any(name in text for name in backends)

    def is_worded(self, vocabulary: str, text: str, backend: str | None) -> bool:
        """Does the file hold a word of each of the rule's lists? A rule without words looks at every file that has a site for it."""
        return self.words.occur(vocabulary, text) and (self.beside.occur(vocabulary, text) or backend in self.rule.rule.beside)


def _profiles(rules: tuple[ActiveRule, ...]) -> tuple[_Profile, ...]:
    return tuple(map(_profile, rules))


def _profile(active: ActiveRule) -> _Profile:
    rule = active.rule
    last = {name.rpartition(".")[2] for name in rule.calls}
    any_call = bool(last & {"__call__", "*"})
    last.update(*(OLD_LAST_NAMES.get(name, ()) for name in last))
    return _Profile(active, frozenset(last), _words(rule.needed_words), _words(rule.beside), any_call)


def _words(words: tuple[str, ...]) -> _Words:
    parts = tuple(word for word in words if _NAMES.fullmatch(word))
    return _Words(parts, tuple(word for word in words if word not in parts))
