"""A plan reads the same everywhere: golden pages, widths, colours, machine forms."""

import json
import re
from dataclasses import replace
from math import inf, nan

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.actions import Guarded
from scheduler.domain.plan import Plan
from scheduler.domain.readings import Freshness
from scheduler.render.paper import Output, cells
from scheduler.render.plan_text import render_plan

from .golden import check_golden
from .samples import (
    a_night,
    a_placement,
    a_pool,
    a_proof,
    a_service,
    an_empty_plan,
    an_evening,
    evening_actions,
    night_actions,
    room_making,
)

CASES = {"evening": (an_evening(), evening_actions()), "night": (a_night(), night_actions())}


def text_of(
    plan: Plan,
    guarded: Guarded | None = None,
    output: Output = Output.TABLE,
    width: int = 100,
    colour: bool = False,
) -> str:
    return render_plan(plan, guarded, output=output, width=width, colour=colour)


@pytest.mark.parametrize("output", Output)
@pytest.mark.parametrize("case", CASES)
def test_the_page_is_the_golden_one(case: str, output: Output) -> None:
    plan, guarded = CASES[case]
    check_golden(f"plan-{case}-{output.value}.txt", text_of(plan, guarded, output))


def test_the_coloured_page_is_the_golden_one() -> None:
    check_golden("plan-evening-colour.txt", text_of(*CASES["evening"], colour=True))


def test_colour_changes_no_letter() -> None:
    for plan, guarded in CASES.values():
        coloured = text_of(plan, guarded, colour=True)
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text_of(plan, guarded)


def test_without_colour_there_is_no_escape_code() -> None:
    for output in Output:
        assert "\x1b" not in text_of(*CASES["evening"], output=output)


def test_machine_forms_are_never_coloured() -> None:
    for output in (Output.JSON, Output.YAML):
        assert "\x1b" not in text_of(*CASES["evening"], output=output, colour=True)


def test_a_piped_page_has_no_blanks_at_line_ends() -> None:
    for plan, guarded in CASES.values():
        for output in (Output.TABLE, Output.WIDE):
            lines = text_of(plan, guarded, output).splitlines()
            assert [line for line in lines if line != line.rstrip()] == []


def test_room_that_is_made_for_a_gang_reads_as_a_change() -> None:
    text = text_of(a_night(), Guarded(allowed=(room_making(),), held=()), Output.WIDE, width=160)
    (line,) = [line for line in text.splitlines() if "make room" in line]
    assert line.split("  ")[1] == "~ make room for ranker-nightly"
    assert "dc-a100-1, dc-a100-2" in line
    assert line.endswith("ranker-nightly needs 16 GPUs in one place: its free GPUs are scattered")


def test_the_last_line_counts_the_marks_above_it() -> None:
    page = text_of(an_evening())
    marks = [line.split()[0] for line in page.splitlines() if re.match(r" +[+~-] ", line)]
    add, change, release = (marks.count(mark) for mark in "+~-")
    assert page.splitlines()[-1] == f"{add} to add, {change} to change, {release} to release"


def test_an_empty_plan_says_that_nothing_changes() -> None:
    assert text_of(an_empty_plan(), Guarded(allowed=(), held=())).splitlines() == [
        "Plan  0.00 USD/h, as before",
        "      proven best (solver highs-milp)",
        "",
        "Actions  none",
        "",
        "0 to add, 0 to change, 0 to release",
    ]


def test_what_does_not_change_is_folded_in_the_table_and_shown_in_wide() -> None:
    plan = replace(an_empty_plan(), pools=tuple(a_pool(f"dc-{n}", 2, 2) for n in range(7)))
    assert "7 pools unchanged" in text_of(plan)
    assert "dc-3" not in text_of(plan)
    assert "dc-3" in text_of(plan, output=Output.WIDE)


def test_a_late_service_is_shown_though_nothing_changes() -> None:
    plan = replace(
        an_empty_plan(),
        services=(a_service("late", 10, 0.2), a_service("blind", 5, 0.01, Freshness.UNKNOWN)),
        placements=(a_placement("late", "dc-a100", (2, 2), (1.0, 1.0), 10),),
    )
    page = text_of(plan)
    assert "p95 200 ms of 60 ms: late" in page
    assert "load unknown" in page


@pytest.mark.parametrize(
    ("predicted", "words"),
    [
        (0.0601, "p95 just over 60 ms: late"),
        (inf, "p95 beyond 60 ms: overloaded"),
        (None, "no replica for p95 60 ms"),
    ],
)
def test_a_broken_objective_is_never_shown_as_met(predicted: float | None, words: str) -> None:
    plan = replace(an_empty_plan(), services=(a_service("web", 10, predicted),))
    assert words in text_of(plan)


def test_a_plan_without_a_bound_says_so() -> None:
    for bound in (-inf, nan):
        page = text_of(replace(an_empty_plan(), proof=a_proof(10.0, bound)))
        assert "no bound proven" in page


def test_json_gives_the_plan_back() -> None:
    for plan, guarded in CASES.values():
        document = json.loads(text_of(plan, guarded, Output.JSON))
        assert msgspec.convert(document, Plan) == plan


def test_yaml_and_json_say_the_same() -> None:
    for plan, guarded in CASES.values():
        document = yaml.safe_load(text_of(plan, guarded, Output.YAML))
        assert document == json.loads(text_of(plan, guarded, Output.JSON))


def test_json_names_each_actions_kind_and_why_it_is_held() -> None:
    actions = json.loads(text_of(*CASES["evening"], output=Output.JSON))["actions"]
    assert [action["kind"] for action in actions["allowed"]] == [
        "grow",
        "suspend",
        "place",
        "shift",
    ]
    assert actions["held"][0]["action"]["kind"] == "drain"
    assert actions["held"][0]["why"] == "quiet hours until 06:00 Asia/Shanghai"


def test_json_without_a_guard_has_no_actions() -> None:
    assert json.loads(text_of(an_evening(), output=Output.JSON))["actions"] is None


def test_json_stays_valid_with_figures_that_are_not_finite() -> None:
    plan = replace(an_empty_plan(), proof=a_proof(nan, -inf), services=(a_service("a", 1, inf),))
    document = json.loads(text_of(plan, output=Output.JSON), parse_constant=pytest.fail)
    assert document["proof"]["bound"] is None
    assert document["services"][0]["predicted_s"] is None


def test_equal_plans_give_equal_bytes_though_one_holds_whole_numbers() -> None:
    whole, real = (replace(an_empty_plan(), services=(a_service("a", rps),)) for rps in (8, 8.0))
    assert text_of(whole, output=Output.JSON) == text_of(real, output=Output.JSON)


def test_a_name_cannot_steer_the_terminal() -> None:
    plan = replace(
        an_empty_plan(),
        pools=(a_pool("evil\x1b[2J\r\n\u202e", 0, 1, because="why\x07\x9b31m"),),
        notes=("note\x1b]0;title\x07",),
    )
    page = text_of(plan)
    assert all(char.isprintable() or char == "\n" for char in page)


def test_names_of_wide_letters_keep_the_columns_straight() -> None:
    pools = (a_pool("池-一", 0, 1), a_pool("pool-a", 0, 1))
    lines = text_of(replace(an_empty_plan(), pools=pools)).splitlines()
    ends = {cells(line[: line.index("0 -> 1")]) for line in lines if "0 -> 1" in line}
    assert len(ends) == 1


NAMES = st.one_of(
    st.text(min_size=1, max_size=80),
    st.from_regex(r"[a-z]{3,30}-[0-9]{1,40}(-[a-z0-9]{1,60})?", fullmatch=True),
)
COUNTS = st.integers(0, 10**12)
AMOUNTS = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    name, pool, words = draw(NAMES), draw(NAMES), draw(st.text(max_size=300))
    evening = an_evening()
    price = draw(st.floats(0, 1e15))
    line = replace(a_pool(pool, draw(COUNTS), draw(COUNTS)), usd_per_node_hour=price, because=words)
    placement = a_placement(
        name,
        pool,
        (draw(COUNTS), draw(COUNTS)),
        (draw(AMOUNTS), draw(AMOUNTS)),
        draw(AMOUNTS),
        words,
    )
    return replace(
        evening,
        pools=(line, *evening.pools),
        placements=(placement, *evening.placements),
        services=(a_service(name, draw(AMOUNTS), draw(st.none() | st.floats(0))),),
        missing=tuple(replace(one, workload=name, because=words) for one in evening.missing),
        bursts=tuple(replace(one, workload=name, pool=pool) for one in evening.bursts),
        binding=tuple(replace(one, policy=name, words=words) for one in evening.binding),
        bill=tuple(replace(one, policy=name, usd_per_hour=draw(AMOUNTS)) for one in evening.bill),
        notes=(words, name),
        proof=a_proof(draw(AMOUNTS), draw(AMOUNTS)),
    )


@settings(max_examples=60, deadline=None)
@given(plan=plans(), width=st.integers(80, 120))
def test_no_line_is_wider_than_asked_for(plan: Plan, width: int) -> None:
    page = text_of(plan, evening_actions(), width=width)
    assert [line for line in page.splitlines() if cells(line) > width] == []


@settings(max_examples=30, deadline=None)
@given(plan=plans())
def test_every_plan_has_a_valid_machine_form(plan: Plan) -> None:
    json.loads(text_of(plan, evening_actions(), Output.JSON), parse_constant=pytest.fail)


def test_a_reason_told_of_the_service_is_not_told_again_on_each_pool() -> None:
    service = a_service("web", 70)
    plan = replace(
        an_empty_plan(),
        services=(service,),
        placements=(
            a_placement("web", "dc-a100", (0, 2), (0.0, 0.6), 50, f"{service.because}; 1 USD here"),
            a_placement("web", "dc-v100", (0, 1), (0.0, 0.4), 30, service.because),
        ),
    )
    page = text_of(plan)
    assert page.count(service.because) == 1
    assert "1 USD here" in page


def test_bursts_that_say_the_same_are_told_once_with_all_their_pools() -> None:
    (burst,) = an_evening().bursts
    page = text_of(
        replace(an_empty_plan(), bursts=(burst, replace(burst, pool="aws-p4d"))), output=Output.WIDE
    )
    assert page.count(burst.because) == 1
    assert "aws-g5-spot" in page
    assert "aws-p4d" in page
