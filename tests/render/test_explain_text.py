"""An explanation answers first, then shows every option with its reason."""

import json
from dataclasses import replace

import msgspec
import pytest
import yaml

from scheduler.domain.explanation import Explanation, OptionLine, SubjectKind, Verdict
from scheduler.domain.names import ClusterName, PoolName
from scheduler.render.explain_text import render_explanation
from scheduler.render.paper import Output, cells

from .golden import check_golden


def an_option(pool: str, verdict: Verdict, because: str, **more: object) -> OptionLine:
    fields = {"pods": 0, "cluster": ClusterName("hangzhou-dc"), **more}
    return OptionLine(pool=PoolName(pool), verdict=verdict, because=because, **fields)


SEARCH = Explanation(
    subject="search-ranking",
    kind=SubjectKind.SERVICE,
    headline="22 pods on 2 pools, because 8,100 requests/s are expected and dc-a100 is full.",
    here=("4 pods on dc-a100 carry 3,100 requests/s.", "18 pods on aws-g5-spot carry the rest."),
    options=(
        an_option("dc-v100", Verdict.EXCLUDED, "no speed is declared for V100-16GB"),
        an_option(
            "aws-p4d",
            Verdict.POSSIBLE,
            "dearer for the same load",
            extra_usd_per_hour=14.2,
            price_to_win_usd_per_node_hour=9.11,
        ),
        an_option("ack-gn7", Verdict.POSSIBLE, "dearer", extra_usd_per_hour=3.5),
        an_option("dc-a100", Verdict.CHOSEN, "owned, already paid", pods=4),
        an_option("aws-g5-spot", Verdict.CHOSEN, "the cheapest GPU that is left", pods=18),
    ),
    next_best="6 pods on ack-gn7 instead of aws-g5-spot",
    next_best_extra_usd_per_hour=3.5,
    rules=("GPUs of dc-a100: all 32 are taken (one more saves 3.10 USD/h)",),
)


def text_of(explanation: Explanation, output: Output = Output.TABLE, colour: bool = False) -> str:
    return render_explanation(explanation, output=output, width=100, colour=colour)


@pytest.mark.parametrize("output", Output)
def test_the_explanation_is_the_golden_one(output: Output) -> None:
    check_golden(f"explain-{output.value}.txt", text_of(SEARCH, output))


def test_chosen_comes_first_then_the_cheapest_then_what_is_excluded() -> None:
    page = text_of(SEARCH)
    pools = ["aws-g5-spot    ", "dc-a100    ", "ack-gn7    ", "aws-p4d    ", "dc-v100    "]
    places = [page.index(pool) for pool in pools]
    assert places == sorted(places)


def test_json_gives_the_explanation_back() -> None:
    document = json.loads(text_of(SEARCH, Output.JSON))
    assert msgspec.convert(document, Explanation) == SEARCH
    assert yaml.safe_load(text_of(SEARCH, Output.YAML)) == document


def test_a_pool_with_nothing_to_say_is_one_headline() -> None:
    bare = replace(
        SEARCH,
        kind=SubjectKind.POOL,
        here=(),
        options=(),
        next_best="",
        rules=(),
        headline="Empty.",
    )
    assert text_of(bare) == "search-ranking  pool\n  Empty."


def test_what_is_proven_of_the_next_best_is_told_where_it_is_less() -> None:
    proven = replace(SEARCH, next_best_least_usd_per_hour=3.1)
    assert "(adds 3.50 USD/h, at least 3.10)" in text_of(proven)
    assert "(adds 3.50 USD/h)" in text_of(replace(SEARCH, next_best_least_usd_per_hour=3.5))
    assert "(adds at most 3.50 USD/h)" in text_of(replace(SEARCH, next_best_least_usd_per_hour=0.0))
    as_good = replace(SEARCH, next_best_extra_usd_per_hour=0.0, next_best_least_usd_per_hour=0.0)
    assert "(as good)" in text_of(as_good)


def test_what_a_little_more_is_worth_has_a_section_of_its_own() -> None:
    page = text_of(replace(SEARCH, worth=("one node more saves about 3.10 USD/h",)))
    assert "What it is worth\n  * one node more saves about 3.10 USD/h" in page


def test_a_pool_is_explained_by_its_workloads() -> None:
    options = (an_option("dc-a100", Verdict.CHOSEN, "owned", workload="search-ranking", pods=4),)
    page = text_of(replace(SEARCH, subject="dc-a100", kind=SubjectKind.POOL, options=options))
    assert "* search-ranking     4  owned" in page


def test_long_words_fit() -> None:
    long = replace(SEARCH, subject="s" * 300, headline="h" * 300, next_best="n " * 300)
    assert max(cells(line) for line in text_of(long).splitlines()) <= 100
