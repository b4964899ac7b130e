"""Where the code is in libcst's nodes: two thirds of a tree are white space, commas and brackets."""

from __future__ import annotations

import libcst as cst

STATEMENTS = frozenset(
    {
        cst.SimpleStatementLine,
        cst.SimpleStatementSuite,
        cst.If,
        cst.For,
        cst.While,
        cst.Try,
        cst.TryStar,
        cst.With,
        cst.FunctionDef,
        cst.ClassDef,
        cst.Match,
    }
)
"""The nodes that stand in a body on their own."""

FIELDS: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.Module: ("body",),
    cst.SimpleStatementLine: ("body",),
    cst.SimpleStatementSuite: ("body",),
    cst.IndentedBlock: ("body",),
    cst.Expr: ("value",),
    cst.Return: ("value",),
    cst.Raise: ("exc", "cause"),
    cst.From: ("item",),
    cst.Assert: ("test", "msg"),
    cst.Else: ("body",),
    cst.Finally: ("body",),
    cst.Decorator: ("decorator",),
    cst.Call: ("func", "args"),
    cst.Arg: ("value",),
    cst.Attribute: ("value",),
    cst.Subscript: ("value", "slice"),
    cst.SubscriptElement: ("slice",),
    cst.Index: ("value",),
    cst.Slice: ("lower", "upper", "step"),
    cst.BinaryOperation: ("left", "right"),
    cst.BooleanOperation: ("left", "right"),
    cst.UnaryOperation: ("expression",),
    cst.Comparison: ("left", "comparisons"),
    cst.ComparisonTarget: ("comparator",),
    cst.Tuple: ("elements",),
    cst.List: ("elements",),
    cst.Set: ("elements",),
    cst.Dict: ("elements",),
    cst.Element: ("value",),
    cst.StarredElement: ("value",),
    cst.DictElement: ("key", "value"),
    cst.StarredDictElement: ("value",),
    cst.IfExp: ("test", "body", "orelse"),
    cst.Await: ("expression",),
    cst.Yield: ("value",),
    cst.FormattedString: ("parts",),
    cst.FormattedStringExpression: ("expression",),
    cst.ConcatenatedString: ("left", "right"),
    cst.MatchValue: ("value",),
}
"""The fields of a node that hold code, in running order. The nodes that open scopes, blocks and loops or bind names are not here:
they are walked by hand."""
