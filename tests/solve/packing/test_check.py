"""The check of a packing: every broken promise is told."""

from dataclasses import replace

import numpy as np
import pytest

from scheduler.solve.packing.check import violations
from scheduler.solve.packing.pack import pack
from scheduler.solve.packing.values import Fillings
from tests.solve.packing.questions import classes_of, types_of

TYPES = types_of([[4, 8], [8, 16]], [2.0, 3.5], most=[2, 5])
CLASSES = classes_of([[1, 2], [3, 4]], [5, 2], TYPES, allowed=[[True, True], [False, True]])
PACKING = pack(TYPES, CLASSES)
TRAY = PACKING.fillings


def _with_pods(pods) -> Fillings:
    return Fillings(kind=TRAY.kind, pods=pods)


def test_a_good_packing_passes() -> None:
    assert violations(TYPES, CLASSES, PACKING) == ()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (replace(PACKING, fillings=_with_pods(TRAY.pods + 5)), "overfull"),
        (replace(PACKING, fillings=_with_pods(TRAY.pods * 0)), "pods placed or missing"),
        (replace(PACKING, missing=PACKING.missing + 1), "pods placed or missing"),
        (replace(PACKING, nodes=PACKING.nodes * 9), "of which there are fewer"),
        (replace(PACKING, nodes=PACKING.nodes * 0), "no nodes of a filling"),
        (replace(PACKING, usd_per_hour=0.5), "instead of 0.5"),
        (replace(PACKING, bound=PACKING.cost * 2), "below"),
        (
            replace(PACKING, fillings=replace(TRAY, kind=np.zeros_like(TRAY.kind))),
            "may not",
        ),
    ],
)
def test_a_wrong_packing_is_told(wrong, words: str) -> None:
    told = " ".join(violations(TYPES, CLASSES, wrong)).replace("less than its bound", "below")
    assert words in told
