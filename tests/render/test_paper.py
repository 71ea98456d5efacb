"""Text is measured in cells, cut without harm, and coloured only where that is wanted."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.render.paper import ELLIPSIS, cells, clean, cut, cut_name, wants_colour, wrap


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals() -> None:
    assert wants_colour(Terminal(), {})
    assert not wants_colour(StringIO(), {})


def test_no_color_is_obeyed_whatever_it_is_set_to() -> None:
    assert not wants_colour(Terminal(), {"NO_COLOR": "0"})
    assert wants_colour(Terminal(), {"NO_COLOR": ""})


def test_a_dumb_terminal_gets_no_colour() -> None:
    assert not wants_colour(Terminal(), {"TERM": "dumb"})


@pytest.mark.parametrize(
    ("text", "width", "kept"),
    [
        ("costs 1,234.50 USD", 10, "costs…"),
        ("costs 1,234.50 USD", 15, "costs 1,234.50…"),
        ("nodes.max to 65536", 16, "nodes.max to…"),
        ("short", 5, "short"),
        ("12345678", 5, "…"),
    ],
)
def test_a_cut_never_goes_through_a_number(text: str, width: int, kept: str) -> None:
    assert cut(text, width) == kept


def test_a_long_name_keeps_both_ends() -> None:
    assert cut_name("recommendation-home-page-cn-east", 17) == "recommen…-cn-east"


@given(st.text(max_size=60), st.integers(1, 40))
def test_what_is_cut_fits(text: str, width: int) -> None:
    text = clean(text)
    assert cells(cut(text, width)) <= width
    assert cells(cut_name(text, width)) <= width
    assert all(cells(line) <= width for line in wrap(text, width))


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), min_size=1), st.integers(9, 40))
def test_wrapping_loses_no_word(words: list[str], width: int) -> None:
    assert " ".join(wrap(" ".join(words), width)).split() == words


def test_a_figure_stays_with_its_per_cent_sign() -> None:
    assert wrap("on time 99.99 %.", 14) == ["on time", "99.99 %."]


def test_wrapping_to_a_number_of_lines_says_that_there_is_more() -> None:
    lines = wrap("one two three four five six", 9, at_most=2)
    assert len(lines) == 2
    assert lines[1].endswith(ELLIPSIS)
