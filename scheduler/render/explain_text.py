"""An explanation as text: why a workload or a pool is as it is, and what would change that."""

from collections.abc import Iterator, Sequence

from scheduler.domain.explanation import Explanation, OptionLine, Verdict
from scheduler.render.figures import count, money, usd
from scheduler.render.machine import dump
from scheduler.render.paper import Ink, Line, Output, Word, clean, cut_name, paint, wrap
from scheduler.render.sheet import Column, Fit, Row, sheet

LEAST_WIDTH = 80

_COLUMNS = (
    Column("Options", Fit.NAME),
    Column("cluster", Fit.NAME),
    Column("pods", Fit.FIGURE),
    Column("adds USD/h", Fit.FIGURE),
    Column("wins at USD/node-h", Fit.FIGURE),
    Column("why", Fit.REASON),
)

_SIGNS = {
    Verdict.CHOSEN: ("*", Ink.ADD),
    Verdict.POSSIBLE: (" ", Ink.PLAIN),
    Verdict.EXCLUDED: ("x", Ink.DIM),
}

_RANKS = {verdict: place for place, verdict in enumerate(Verdict)}


def render_explanation(
    explanation: Explanation, *, output: Output, width: int, colour: bool
) -> str:
    """The answer first, then every option with its reason; no final line break.

    `*` marks what is chosen, `x` what is excluded. `table` shows the options without their
    cluster; `wide` with it.
    """
    match output:
        case Output.JSON | Output.YAML:
            return dump(explanation, output)
        case Output.TABLE | Output.WIDE:
            lines = _page(explanation, max(width, LEAST_WIDTH), wide=output is Output.WIDE)
            return paint(lines, colour=colour)


def _page(explanation: Explanation, width: int, *, wide: bool) -> Iterator[Line]:
    name = cut_name(clean(explanation.subject), width // 2)
    yield (Word(name, Ink.BOLD), Word(f"  {explanation.kind.value}", Ink.DIM))
    yield from _paragraph(explanation.headline, width, indent="  ")
    for section in (
        _bulleted("Here", explanation.here, width),
        _options(explanation.options, width, wide=wide),
        _next_best(explanation, width),
        _bulleted("What it is worth", explanation.worth, width),
        _bulleted("Rules that bind", explanation.rules, width),
    ):
        if section:
            yield ()
            yield from section


def _options(options: Sequence[OptionLine], width: int, *, wide: bool) -> list[Line]:
    """Chosen, then possible from the cheapest, then excluded."""
    ordered = sorted(options, key=_place)
    return sheet(_COLUMNS, [_row(option, wide=wide) for option in ordered], width=width)


def _place(option: OptionLine) -> tuple[int, float, str]:
    return _RANKS[option.verdict], option.extra_usd_per_hour or 0.0, option.workload or option.pool


def _row(option: OptionLine, *, wide: bool) -> Row:
    sign, ink = _SIGNS[option.verdict]
    extra, price = option.extra_usd_per_hour, option.price_to_win_usd_per_node_hour
    texts = (
        f"  {sign} {option.workload or option.pool}",
        option.cluster if wide else "",
        count(option.pods) if option.pods else "",
        "" if extra is None else money(extra),
        "" if price is None else usd(price),
        option.because,
    )
    return Row(texts, ink)


def _next_best(explanation: Explanation, width: int) -> list[Line]:
    if not explanation.next_best:
        return []
    extra = explanation.next_best_extra_usd_per_hour
    price = "" if extra is None else f" ({_added(extra, explanation)})"
    text = f"{explanation.next_best}{price}"
    return [(Word("Next best", Ink.BOLD),), *_paragraph(text, width, indent="  ")]


def _added(extra: float, explanation: Explanation) -> str:
    """What it adds, and the least that is proven where the solver left a gap that shows."""
    least = explanation.next_best_least_usd_per_hour
    if money(extra) == "0.00":
        return "as good"
    if least is None or money(extra) == money(least):
        return f"adds {money(extra)} USD/h"
    if money(least) == "0.00":
        return f"adds at most {money(extra)} USD/h"
    return f"adds {money(extra)} USD/h, at least {money(least)}"


def _bulleted(title: str, texts: Sequence[str], width: int) -> list[Line]:
    if not texts:
        return []
    lines: list[Line] = [(Word(title, Ink.BOLD),)]
    for text in texts:
        lines.extend(_paragraph(text, width, indent="    ", first="  * "))
    return lines


def _paragraph(text: str, width: int, *, indent: str, first: str | None = None) -> Iterator[Line]:
    for place, line in enumerate(wrap(clean(text), width - len(indent))):
        yield (Word(first if first is not None and place == 0 else indent), Word(line))
