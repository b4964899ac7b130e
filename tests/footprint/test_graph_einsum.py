"""What an einsum allocates beside its result: held against what TensorFlow's profiler shows of attention over 256 places."""

from __future__ import annotations

import pytest

from kerasmem_lint.footprint.child.graph_einsum import scratch

SMALL, SCORES = 32 * 256 * 4 * 32, 32 * 4 * 256 * 256
PLACES, PAIRS = (32, 256, 4, 32), (32, 4, 256, 256)


@pytest.mark.parametrize(
    ("equation", "shapes", "expected"),
    [
        ("BTNH,BSNH->BNTS", (PLACES, PLACES), (SMALL, SMALL)),
        ("BNTS,BSNH->BTNH", (PAIRS, PLACES), (SMALL, SMALL)),
        ("BTNH,BNTS->BSNH", (PLACES, PAIRS), (SMALL, SMALL)),
        ("ij,jk->ik", ((3, 4), (4, 5)), ()),
        ("ji,jk->ik", ((4, 3), (4, 5)), ()),
        ("BNTS,BSNH->BNTH", (PAIRS, PLACES), (SMALL,)),
        ("BNST,BTSH->BTH", (PAIRS, (32, 256, 256, 2)), (SCORES, SCORES // 4)),
        ("...i,ij->...j", ((7, 3), (3, 4)), ()),
    ],
)
def test_an_einsum_turns_over_what_is_not_in_the_order_of_a_matrix_product(equation, shapes, expected):
    assert expected == scratch(equation, shapes)
