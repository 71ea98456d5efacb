"""Servers on accelerators: the second opinion sees what is wrong, and our answers are right."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bench.alone import EXAMPLE
from tests.bench.figures import Asked
from tests.bench.inferno import Instance, cheapest_mixed, cheapest_single, inferno, read
from tests.bench.mixes import opinion_on_servers
from tests.bench.modelled import NoAnswerError


def a_candidate(server: str, kind: str, replicas: int, cost: float, arr: float) -> dict[str, Any]:
    """Two units a replica; one replica fewer would not carry the load."""
    rate = arr / (replicas - 0.5)
    return {
        "Server": server,
        "Acc": f"2x{kind}",
        "Type": kind,
        "Mult": 2,
        "Inst": 1,
        "Replicas": replicas,
        "Cost": cost,
        "RatePerReplica": rate,
        "Arr": arr,
    }


TABLE = (
    a_candidate("chat", "cheap", 4, 40.0, 7.0),
    a_candidate("chat", "dear", 2, 60.0, 7.0),
    a_candidate("news", "cheap", 3, 30.0, 5.0),
    a_candidate("news", "dear", 1, 50.0, 5.0),
)
SCARCE = {"cheap": 8, "dear": 8}
"""Eight cheap units hold four replicas: chat, or news and a part of chat."""
SMALL = Instance(name="small", candidates=TABLE, capacity=SCARCE, expected={})


def wrong(*replicas: float, one_each: bool = False) -> str:
    return "; ".join(opinion_on_servers(TABLE, SCARCE, replicas, one_each=one_each).broken)


def test_a_good_answer_costs_what_its_replicas_cost() -> None:
    opinion = opinion_on_servers(TABLE, SCARCE, (4, 0, 0, 1), one_each=True)
    assert (opinion.cost, opinion.broken) == (90.0, ())


def test_a_replica_too_few_is_seen() -> None:
    assert wrong(3, 0, 0, 1) == "chat serves 6 of 7 requests/s"
    assert "3.0 of 4 replicas" in wrong(3.0, 0, 0, 1, one_each=True)


def test_units_that_do_not_exist_are_seen() -> None:
    assert wrong(4, 0, 3, 0) == "14 of 8 units of cheap"


def test_half_a_replica_is_seen() -> None:
    assert "3.5 replicas of chat on 2xcheap" in wrong(3.5, 0, 0, 1)


def test_a_server_on_two_accelerators_is_seen_where_one_is_asked_for() -> None:
    assert wrong(4, 2, 0, 1) == ""
    assert wrong(4, 2, 0, 1, one_each=True) == "chat on 2 accelerators"


def test_one_accelerator_each_by_hand() -> None:
    replicas, bound = cheapest_single(SMALL)
    assert replicas == [4, 0, 0, 1]
    assert bound == pytest.approx(90.0)


def test_a_mix_is_never_dearer_and_passes_the_second_opinion() -> None:
    replicas, bound = cheapest_mixed(SMALL)
    opinion = opinion_on_servers(TABLE, SCARCE, replicas, one_each=False)
    assert opinion.broken == ()
    assert opinion.cost == pytest.approx(bound)
    assert opinion.cost <= 90.0


def test_too_little_capacity_has_no_answer() -> None:
    for solve in (cheapest_single, cheapest_mixed):
        with pytest.raises(NoAnswerError):
            solve(replace(SMALL, capacity={"cheap": 1, "dear": 1}))


def test_a_table_of_ones_own_is_compared_with_the_proof(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    capacity = {"count": [{"type": kind, "count": n} for kind, n in SCARCE.items()]}
    (tmp_path / "mine" / "capacity-data.json").write_text(json.dumps(capacity), encoding="utf-8")
    table = tmp_path / "candidates_mine.json"
    table.write_text(json.dumps({"candidates": TABLE}), encoding="utf-8")
    figures = list(inferno(Asked(example=EXAMPLE, seed=1, inputs=(table,))))
    assert [one.verdict for one in figures if one.unit == "cents/h"] == ["ok", "ok"]
    assert figures[0].measured == 90.0


@pytest.mark.shared_data
def test_the_recorded_table_has_the_optimum_that_is_told(
    shared_data: Callable[[str], Path],
) -> None:
    instance = read(shared_data("inferno") / "candidates_small.json")
    for solve, told in (
        (cheapest_single, "optimum_one_accelerator_per_server"),
        (cheapest_mixed, "optimum_mixed_accelerators_per_server"),
    ):
        replicas, bound = solve(instance)
        opinion = opinion_on_servers(
            instance.candidates, instance.capacity, replicas, one_each=solve is cheapest_single
        )
        assert opinion.broken == ()
        assert opinion.cost == pytest.approx(instance.expected[told])
        assert bound == pytest.approx(instance.expected[told])
