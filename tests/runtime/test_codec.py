"""Values survive being written, and equal plans are equal bytes."""

from dataclasses import replace
from math import inf, nan

import msgspec
import numpy as np
import pytest

from scheduler.domain.actions import Held, Receipt, Resume, Shift, Suspend
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import WorkloadName
from scheduler.domain.plan import Adoption, MissingLine, Ruling
from scheduler.runtime.codec import (
    actions_json,
    canonical_json,
    digest,
    held_json,
    pack,
    plan_json,
    read_actions,
    read_held,
    read_receipts,
    receipts_json,
    unpack,
)

from .test_act import GANG
from .worlds import (
    a_fleet,
    a_plan,
    a_pool,
    a_pool_line,
    a_service,
    drain,
    grow,
    place,
    release,
    vacate,
)

EVERY_KIND = (
    grow(),
    place(pods=3),
    Shift(**GANG, before=0.25, share=0.75),
    Resume(**GANG),
    Suspend(**GANG),
    vacate("n1", "n2"),
    drain("n1", "n2"),
    release("n1"),
)


def missing(amount: float, wanted: float) -> MissingLine:
    return MissingLine(
        workload=WorkloadName("a"),
        amount=amount,
        wanted=wanted,
        is_job=False,
        because="",
        remedy="",
    )


def test_a_fleet_survives_with_its_sets_words_and_infinities() -> None:
    fleet = a_fleet(services=(a_service(),))
    assert unpack(pack(fleet), Fleet) == fleet
    assert fleet.links[0].tiers[-1].up_to_gb == inf


def test_tables_keep_their_order() -> None:
    fleet = unpack(pack(a_fleet(services=(a_service(),))), Fleet)
    assert list(fleet.services[WorkloadName("search")].curves) == ["T4", "A10G"]


def test_every_kind_of_action_survives() -> None:
    assert read_actions(actions_json(EVERY_KIND)) == EVERY_KIND


def test_held_actions_and_receipts_survive() -> None:
    held = tuple(Held(action=action, why="paused") for action in EVERY_KIND)
    receipts = tuple(
        Receipt(action=action, outcome="throttled", detail="429") for action in EVERY_KIND
    )
    assert read_held(held_json(held)) == held
    assert read_receipts(receipts_json(receipts)) == receipts


def test_a_share_without_a_number_is_written_as_a_word() -> None:
    action = Shift(**GANG, before=inf, share=0.5)
    assert read_actions(actions_json([action])) == (action,)


@pytest.mark.parametrize(
    ("one", "other"), [(8, 8.0), (0.0, -0.0), (np.float64(2.5), 2.5), (np.int64(3), 3)]
)
def test_equal_numbers_are_equal_bytes(one: float, other: float) -> None:
    assert plan_json(a_plan(missing=[missing(one, 1.0)])) == plan_json(
        a_plan(missing=[missing(other, 1.0)])
    )


def test_numbers_that_json_lacks_are_told_apart() -> None:
    texts = {canonical_json(value) for value in (inf, -inf, nan, None)}
    assert texts == {b'"inf"', b'"-inf"', b'"nan"', b"null"}


def test_a_plan_reads_as_json_with_its_keys_sorted() -> None:
    plan = a_plan([a_pool_line(a_pool(), 1, 2)])
    read = msgspec.json.decode(plan_json(plan))
    assert list(read) == sorted(read)
    assert read["pools"][0]["after"] == 2


def test_different_plans_are_different_bytes() -> None:
    plan = a_plan()
    assert plan_json(plan) != plan_json(replace(plan, notes=("dc is frozen",)))


def test_a_digest_is_the_same_whatever_the_order_of_sets_and_tables() -> None:
    one = {"holds": frozenset("abc"), "price": 1.0}
    other = {"price": 1.0, "holds": frozenset("cba")}
    assert digest(one) == digest(other)


def test_what_has_no_form_in_json_is_said_so() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        canonical_json(object())


def test_what_cannot_be_packed_is_said_so() -> None:
    with pytest.raises(TypeError, match="object cannot be written"):
        pack(object())


def test_what_became_of_the_running_placement_is_in_the_plan() -> None:
    adoption = Adoption(ruling=Ruling.KEPT, at_most_usd_per_hour=0.5)
    read = msgspec.json.decode(plan_json(replace(a_plan(), adoption=adoption)))
    assert read["adoption"] == {
        "ruling": "kept",
        "because": "",
        "saves_usd_per_hour": None,
        "price_usd": 0,
        "horizon_hours": 0,
        "at_most_usd_per_hour": 0.5,
    }
