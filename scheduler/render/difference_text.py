"""A difference of two plans as text: what is supposed, what it costs, and what would be another."""

from collections.abc import Callable, Iterator

from scheduler.domain.difference import (
    BillDifference,
    MissingDifference,
    NextBest,
    PlacementDifference,
    PlanDifference,
    PoolDifference,
    ServiceDifference,
)
from scheduler.render.figures import (
    ARROW,
    count,
    latency,
    money,
    noun_for,
    percent_figure,
    plural,
    quantile,
    step,
    usd,
    usd_change,
)
from scheduler.render.machine import dump
from scheduler.render.marks import SAME_SHARE, Mark
from scheduler.render.paper import Ink, Line, Output, Word, clean, paint, wrap
from scheduler.render.sheet import Column, Fit, Row, sheet

LEAST_WIDTH = 80
REASON_LINES = 2

_POOLS = (
    Column("Pools", Fit.NAME),
    Column("nodes", Fit.FIGURE),
    Column("USD/node-h", Fit.FIGURE),
    Column("USD/h", Fit.FIGURE),
    Column("why", Fit.REASON),
)
_PLACES = (
    Column("Workloads", Fit.NAME),
    Column("on", Fit.NAME),
    Column("pods", Fit.FIGURE),
    Column("share %", Fit.FIGURE),
    Column("why", Fit.REASON),
)
_SERVICES = (
    Column("Services", Fit.NAME),
    Column("requests/s", Fit.FIGURE),
    Column("latency", Fit.FIGURE),
    Column("objective", Fit.FIGURE),
)
_MISSING = (
    Column("Pending", Fit.NAME),
    Column("missing", Fit.LABEL),
    Column("why", Fit.REASON),
)
_BILL = (
    Column("Bill by policy", Fit.NAME),
    Column("today", Fit.FIGURE),
    Column("then", Fit.FIGURE),
    Column("more", Fit.FIGURE),
)


def render_difference(found: PlanDifference, *, output: Output, width: int, colour: bool) -> str:
    """What is supposed, then every line that differs; no final line break.

    Figures read `today -> then`. `table` shortens reasons and leaves out policies that charge the
    same; `wide` has all of them.
    """
    match output:
        case Output.JSON | Output.YAML:
            return dump(difference_document(found), output)
        case Output.TABLE | Output.WIDE:
            lines = _page(found, max(width, LEAST_WIDTH), wide=output is Output.WIDE)
            return paint(lines, colour=colour)


def difference_document(found: PlanDifference) -> dict[str, object]:
    """The difference with its sums, for machines."""
    return {
        "same": found.is_same,
        "extra_usd_per_hour": round(found.extra, 6),
        "least_extra_usd_per_hour": round(found.least_extra, 6),
        "most_extra_usd_per_hour": round(found.most_extra, 6),
        **{name: getattr(found, name) for name in PlanDifference.__slots__},
    }


def next_best_lines(found: NextBest, width: int) -> list[Line]:
    """The next-best plan in one sentence, and how it differs."""
    text = f"{found.words}: {_more(found)}; {_differing(found.difference)}"
    lines: list[Line] = [(Word("Next best", Ink.BOLD),)]
    lines.extend((Word(f"  {line}"),) for line in wrap(clean(text), width - 2))
    return lines


def _more(found: NextBest) -> str:
    """What it costs more. That this is at least nothing goes without saying."""
    more, least = money(found.extra_usd_per_hour), money(found.least_extra_usd_per_hour)
    if more == "0.00":
        return "is as good"
    if least == "0.00":
        return f"costs at most {more} USD/h more"
    return f"costs {more} USD/h more, proven at least {least}"


def _page(found: PlanDifference, width: int, *, wide: bool) -> Iterator[Line]:
    yield from _supposed(found, width)
    yield ()
    yield from _sums(found, width)
    limit = None if wide else REASON_LINES
    for section in (
        sheet(_POOLS, [_pool(line) for line in found.pools], width=width, reason_lines=limit),
        _placements(found, width, limit),
        sheet(_SERVICES, [_service(line) for line in found.services], width=width),
        sheet(_MISSING, [_missing(line) for line in found.missing], width=width),
        _bill(found, width, wide=wide),
        _notes(found, width),
    ):
        if section:
            yield ()
            yield from section
    yield ()
    yield _last_line(found)


def _supposed(found: PlanDifference, width: int) -> Iterator[Line]:
    head = "What if  "
    for place, text in enumerate(found.supposed):
        for part, line in enumerate(wrap(clean(text), width - len(head))):
            first = place == 0 and part == 0
            yield (Word(head if first else " " * len(head), Ink.BOLD), Word(line))


def _sums(found: PlanDifference, width: int) -> Iterator[Line]:
    today, then = found.today, found.then
    yield _sum("Nodes", today.nodes_usd_per_hour, then.nodes_usd_per_hour)
    yield _sum("All policies", today.usd_per_hour, then.usd_per_hour)
    for text in (_proven(found), _stay(found)):
        for line in wrap(text, width - 6):
            yield (Word(f"      {line}", Ink.DIM),)


def _sum(title: str, before: float, after: float) -> Line:
    change = usd_change(after - before)
    text = f"  {money(before)} {ARROW} {money(after)} USD/h"
    if change == "0.00":
        return (Word(f"{title:<12}", Ink.BOLD), Word(f"  {money(after)} USD/h, as today"))
    ink = Ink.CHANGE if after > before else Ink.ADD
    return (Word(f"{title:<12}", Ink.BOLD), Word(text), Word(f"  ({change})", ink))


def _proven(found: PlanDifference) -> str:
    """Both plans have a gap: the best ones differ by something between these."""
    least, most = usd_change(found.least_extra), usd_change(found.most_extra)
    if "unknown" in (least, most):
        return "no bound is proven of one of the plans"
    if least == most:
        return f"proven: the best plans differ by {least} USD/h"
    return f"proven: the best plans differ by {least} to {most} USD/h"


def _stay(found: PlanDifference) -> str:
    if found.stay_usd_per_hour is None:
        return "today's plan could not be carried out then"
    more = found.stay_usd_per_hour - found.then.usd_per_hour
    if money(more) == "0.00" or more < 0.0:
        return "today's plan stays: nothing else pays because of that"
    return (
        f"today's plan would cost {money(found.stay_usd_per_hour)} USD/h then: "
        f"the change saves {money(more)}"
    )


def _pool(line: PoolDifference) -> Row:
    mark = _mark(line.today, line.then)
    before = line.today * line.usd_per_node_hour_today
    after = line.then * line.usd_per_node_hour_then
    texts = (
        f"  {mark} {line.pool}",
        step(line.today, line.then),
        _figures(line.usd_per_node_hour_today, line.usd_per_node_hour_then, usd),
        _figures(before, after, money),
        line.because,
    )
    return Row(texts, mark.ink)


def _placements(found: PlanDifference, width: int, limit: int | None) -> list[Line]:
    """A workload is named in its first row only."""
    rows, named = [], ""
    for line in found.placements:
        mark = _mark(line.today, line.then)
        name = "" if line.workload == named else line.workload
        named = line.workload
        texts = (
            f"  {mark} {name}",
            line.pool,
            step(line.today, line.then),
            "" if line.is_job else _shares(line),
            line.because,
        )
        rows.append(Row(texts, mark.ink))
    return sheet(_PLACES, rows, width=width, reason_lines=limit)


def _shares(line: PlacementDifference) -> str:
    before, after = percent_figure(line.share_today), percent_figure(line.share_then)
    same = abs(line.share_today - line.share_then) < SAME_SHARE
    return after if same else f"{before} {ARROW} {after}"


def _service(line: ServiceDifference) -> Row:
    """Marked with `!` where the objective is missed then."""
    served = line.predicted_s_then is not None and line.predicted_s_then <= line.objective_s_then
    late = line.rps_then > 0.0 and not served
    latencies = _figures(line.predicted_s_today, line.predicted_s_then, _predicted)
    texts = (
        f"  {'!' if late else Mark.CHANGE} {line.service}",
        step(line.rps_today, line.rps_then),
        f"{quantile(line.quantile)} {latencies}",
        _figures(line.objective_s_today, line.objective_s_then, latency),
    )
    return Row(texts, Ink.ALARM if late else Ink.CHANGE)


def _predicted(seconds: float | None) -> str:
    if seconds is None:
        return "no replica"
    text = latency(seconds)
    return "overloaded" if text == "unknown" else text


def _missing(line: MissingDifference) -> Row:
    unit = noun_for(line.wanted, "gang") if line.is_job else "requests/s"
    more = line.then > line.today
    amount = f"{step(line.today, line.then)} of {count(line.wanted)} {unit}"
    return Row(
        (f"  {'!' if more else '+'} {line.workload}", amount, line.because),
        Ink.ALARM if more else Ink.ADD,
    )


def _bill(found: PlanDifference, width: int, *, wide: bool) -> list[Line]:
    shown = [line for line in found.bill if wide or usd_change(line.then - line.today) != "0.00"]
    if not shown:
        return []
    rows = [_bill_row(line) for line in shown]
    total = (found.today.usd_per_hour, found.then.usd_per_hour)
    more = usd_change(total[1] - total[0])
    rows.append(Row(("    all", money(total[0]), money(total[1]), more), Ink.BOLD))
    return sheet(_BILL, rows, width=width)


def _bill_row(line: BillDifference) -> Row:
    more = usd_change(line.then - line.today)
    return Row((f"    {line.policy}", money(line.today), money(line.then), more))


def _notes(found: PlanDifference, width: int) -> list[Line]:
    if not found.notes:
        return []
    lines: list[Line] = [(Word("Notes", Ink.BOLD),)]
    for text in found.notes:
        for place, line in enumerate(wrap(clean(text), width - 4)):
            lines.append((Word(f"  {'*' if place == 0 else ' '} {line}"),))
    return lines


def _last_line(found: PlanDifference) -> Line:
    if found.is_same:
        return (Word("the plan would be the same: nothing else is done then"),)
    return (Word(f"{_differing(found)}; nothing was touched"),)


def _differing(found: PlanDifference) -> str:
    """`2 pools and 3 placements differ`, without what is none."""
    pools = sum(line.today != line.then for line in found.pools)
    counted = ((pools, "pool"), (len(found.placements), "placement"))
    words = " and ".join(plural(number, noun) for number, noun in counted if number)
    if not words:
        return "only what is missing differs"
    return f"{words} differ" if pools + len(found.placements) > 1 else f"{words} differs"


def _figures(before: float | None, after: float | None, told: Callable[..., str]) -> str:
    old, new = told(before), told(after)
    return new if old == new else f"{old} {ARROW} {new}"


def _mark(today: float, then: float) -> Mark:
    if today == then:
        return Mark.CHANGE
    return Mark.ADD if then > today else Mark.RELEASE
