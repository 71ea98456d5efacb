"""A difference reads `today -> then`, on 100 columns, with and without colour."""

import json
import re
from dataclasses import replace
from math import inf

import pytest
import yaml

from scheduler.domain.difference import (
    BillDifference,
    MissingDifference,
    NextBest,
    PlacementDifference,
    PlanDifference,
    PoolDifference,
    ServiceDifference,
    Side,
)
from scheduler.domain.names import ClusterName, PolicyName, PoolName
from scheduler.domain.names import WorkloadName as W
from scheduler.domain.plan import NearlyLine
from scheduler.render.difference_text import render_difference
from scheduler.render.paper import Output, cells
from scheduler.render.plan_text import render_plan
from tests.render.samples import an_evening

from .golden import check_golden


def a_pool(name: str, today: int, then: int, *prices: float, because: str = "") -> PoolDifference:
    return PoolDifference(
        pool=PoolName(name),
        cluster=ClusterName("aws-virginia"),
        today=today,
        then=then,
        usd_per_node_hour_today=prices[0],
        usd_per_node_hour_then=prices[-1],
        because=because,
    )


def a_placement(
    workload: str, pool: str, pods: tuple[int, int], *share: float, because: str = ""
) -> PlacementDifference:
    return PlacementDifference(
        workload=W(workload),
        pool=PoolName(pool),
        is_job=not share,
        today=pods[0],
        then=pods[1],
        share_today=share[0] if share else 0.0,
        share_then=share[-1] if share else 0.0,
        because=because,
    )


def a_side(nodes: float, bill: float, bound: float) -> Side:
    return Side(nodes_usd_per_hour=nodes, usd_per_hour=bill, bound=bound, solver="highs")


BLACK_FRIDAY = PlanDifference(
    supposed=(
        "price of aws-p4d: 32.77 -> 39.32 USD/node-h",
        "load of search-ranking: 8,100 -> 16,200 requests/s",
        "azure-east is lost: 2 pools, 7 nodes of today",
    ),
    today=a_side(41.4, 42.5, 42.1),
    then=a_side(80.72, 96.4, 95.9),
    stay_usd_per_hour=140.25,
    bill=(
        BillDifference(policy=PolicyName("cost"), today=41.4, then=80.72),
        BillDifference(policy=PolicyName("spot-risk"), today=0.01, then=0.012),
        BillDifference(policy=PolicyName("unmet"), today=1.09, then=15.67),
    ),
    pools=(
        a_pool("aws-g5-spot", 5, 9, 1.9, because="for search-ranking +14"),
        a_pool("aws-p4d", 1, 1, 32.77, 39.32, because="another price"),
        a_pool("azure-h100", 2, 0, 6.0, because="it is lost"),
    ),
    placements=(
        a_placement(
            "search-ranking", "aws-g5-spot", (18, 36), 0.62, 0.78, because="1.14 USD/h per 1,000"
        ),
        a_placement("search-ranking", "dc-a100", (4, 4), 0.38, 0.22),
        a_placement("weekly-retrain", "azure-h100", (8, 0)),
    ),
    services=(
        ServiceDifference(
            service=W("search-ranking"),
            quantile=0.95,
            rps_today=8100.0,
            rps_then=16200.0,
            objective_s_today=0.06,
            objective_s_then=0.06,
            predicted_s_today=0.051,
            predicted_s_then=0.058,
        ),
        ServiceDifference(
            service=W("image-search"),
            quantile=0.95,
            rps_today=160.0,
            rps_then=160.0,
            objective_s_today=0.4,
            objective_s_then=0.2,
            predicted_s_today=0.184,
            predicted_s_then=inf,
        ),
    ),
    missing=(
        MissingDifference(
            workload=W("ranker-nightly"),
            is_job=True,
            today=1.0,
            then=0.0,
            wanted=1.0,
            because="it has its place then",
        ),
        MissingDifference(
            workload=W("weekly-retrain"),
            is_job=True,
            today=0.0,
            then=1.0,
            wanted=1.0,
            because="the gang needs more nodes than the pool may have",
        ),
    ),
    notes=("sold out and planned without: aws-g5",),
)
NEXT_BEST = NextBest(
    words="without search-ranking on aws-g5-spot",
    extra_usd_per_hour=4.01,
    least_extra_usd_per_hour=3.67,
    difference=BLACK_FRIDAY,
)


def text_of(
    found: PlanDifference = BLACK_FRIDAY,
    output: Output = Output.TABLE,
    *,
    width: int = 100,
    colour: bool = False,
) -> str:
    return render_difference(found, output=output, width=width, colour=colour)


@pytest.mark.parametrize("output", Output)
def test_the_page_is_the_golden_one(output: Output) -> None:
    check_golden(f"difference-{output.value}.txt", text_of(output=output))


def test_the_colours_are_the_golden_ones() -> None:
    check_golden("difference-colour.txt", text_of(colour=True))


def test_without_colour_nothing_but_colour_is_missing() -> None:
    assert re.sub(r"\x1b\[[0-9;]*m", "", text_of(colour=True)) == text_of()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_asked_for(width: int) -> None:
    assert max(cells(line) for line in text_of(width=width).splitlines()) <= width


def test_json_and_yaml_say_the_same_with_the_sums() -> None:
    document = json.loads(text_of(output=Output.JSON))
    assert yaml.safe_load(text_of(output=Output.YAML)) == document
    assert document["same"] is False
    assert document["extra_usd_per_hour"] == pytest.approx(53.9)
    assert document["least_extra_usd_per_hour"] == pytest.approx(95.9 - 42.5)
    assert document["most_extra_usd_per_hour"] == pytest.approx(96.4 - 42.1)
    assert document["pools"][2] == {
        "pool": "azure-h100",
        "cluster": "aws-virginia",
        "today": 2,
        "then": 0,
        "usd_per_node_hour_today": 6,
        "usd_per_node_hour_then": 6,
        "because": "it is lost",
    }


def test_the_same_plan_is_said_in_one_line() -> None:
    same = replace(
        BLACK_FRIDAY,
        then=BLACK_FRIDAY.today,
        stay_usd_per_hour=42.5,
        bill=(),
        pools=(),
        placements=(),
        services=(),
        missing=(),
        notes=(),
    )
    page = text_of(same)
    assert page.endswith("the plan would be the same: nothing else is done then")
    assert "today's plan stays: nothing else pays because of that" in page
    assert "41.40 USD/h, as today" in page


def test_what_cannot_be_carried_out_then_is_said() -> None:
    page = text_of(replace(BLACK_FRIDAY, stay_usd_per_hour=None))
    assert "today's plan could not be carried out then" in page


def test_without_a_bound_nothing_is_said_to_be_proven() -> None:
    page = text_of(replace(BLACK_FRIDAY, then=a_side(80.72, 96.4, -inf)))
    assert "no bound is proven of one of the plans" in page


def test_names_cannot_steer_the_terminal() -> None:
    evil = replace(BLACK_FRIDAY, supposed=("a\x1b[2Jb\nc",), notes=("n\x07",))
    page = text_of(evil)
    assert "\x1b" not in page
    assert "\x07" not in page


def test_the_next_best_plan_stands_in_the_plan_with_what_it_costs_more() -> None:
    page = render_plan(
        an_evening(), None, output=Output.TABLE, width=100, colour=False, next_best=NEXT_BEST
    )
    told = " ".join(page[page.index("Next best") :].split())
    assert told.startswith(
        "Next best without search-ranking on aws-g5-spot: costs 4.01 USD/h more, proven at least "
        "3.67; 2 pools and 3 placements differ"
    )
    machine = render_plan(
        an_evening(), None, output=Output.JSON, width=100, colour=False, next_best=NEXT_BEST
    )
    assert json.loads(machine)["next_best"]["extra_usd_per_hour"] == 4.01


def test_that_the_next_best_plan_costs_at_least_nothing_goes_without_saying() -> None:
    def told(extra: float) -> str:
        found = replace(NEXT_BEST, extra_usd_per_hour=extra, least_extra_usd_per_hour=0.0)
        page = render_plan(
            an_evening(), None, output=Output.TABLE, width=100, colour=False, next_best=found
        )
        return " ".join(page[page.index("Next best") :].split())

    assert "aws-g5-spot: costs at most 4.01 USD/h more; 2 pools" in told(4.01)
    assert "aws-g5-spot: is as good; 2 pools" in told(0.0)


def test_pools_that_nearly_pay_and_what_one_unit_of_relief_is_stand_in_the_wide_plan() -> None:
    plan = an_evening()
    line = NearlyLine(
        pool=PoolName("aws-p4d"),
        usd_per_node_hour=32.77,
        less_usd_per_node_hour=0.41,
        workload=W("search-ranking"),
    )
    rule = replace(plan.binding[0], words="rented nodes cost at most 4 USD/h", relief="one USD/h")
    page = render_plan(
        replace(plan, nearly=(line,), binding=(rule,)),
        None,
        output=Output.WIDE,
        width=140,
        colour=False,
    )
    assert re.search(r"aws-p4d +32\.36 +0\.41 less than now: for search-ranking first", page)
    assert "3.10 USD/h  rented nodes cost at most 4 USD/h (one USD/h)" in page
