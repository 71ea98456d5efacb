"""The reasons of a plan: what is pending or rented and why, the bill, the binding rules, notes."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from scheduler.domain.plan import BindingLine, BurstLine, MissingLine, Plan
from scheduler.render.figures import count, money, noun_for, usd
from scheduler.render.paper import Ink, Line, Word, clean, wrap
from scheduler.render.sheet import Column, Fit, Row, sheet

_PENDING_COLUMNS = (
    Column("Pending", Fit.NAME),
    Column("missing", Fit.LABEL),
    Column("why => what would change it", Fit.REASON),
)

_BURST_COLUMNS = (
    Column("In a public cloud", Fit.NAME),
    Column("pool", Fit.NAME),
    Column("why => what brings it back", Fit.REASON),
)

_BILL_COLUMNS = (Column("Bill by policy", Fit.NAME), Column("USD/h", Fit.FIGURE))

_BINDING_COLUMNS = (
    Column("What holds the plan back", Fit.NAME),
    Column("one more saves", Fit.FIGURE),
    Column("rule", Fit.REASON),
)

_NEARLY_COLUMNS = (
    Column("Not used", Fit.NAME),
    Column("could pay from USD/node-h", Fit.FIGURE),
    Column("by the relaxation", Fit.REASON),
)


def pending(plan: Plan, width: int) -> list[Line]:
    """What stays pending, the dominant reason, and what would have to change."""
    rows: list[Row | Line] = []
    for line in plan.missing:
        rows.append(Row((f"  ! {line.workload}", _missing(line), line.because), Ink.ALARM))
        if line.remedy:
            rows.append(Row(("", "", f"=> {line.remedy}")))
    return sheet(_PENDING_COLUMNS, rows, width=width)


def _missing(line: MissingLine) -> str:
    unit = noun_for(line.wanted, "gang") if line.is_job else "requests/s"
    return f"{count(line.amount)} of {count(line.wanted)} {unit}"


def bursts(plan: Plan, width: int) -> list[Line]:
    """What runs in a public cluster, why, and what would bring it back."""
    rows: list[Row | Line] = []
    for alike in _alike(plan.bursts).values():
        pools = [line.pool for line in alike]
        words = [alike[0].because, *([f"=> {alike[0].remedy}"] if alike[0].remedy else [])]
        names = [f"    {alike[0].workload}"]
        rows.extend(Row(texts) for texts in zip_longest(names, pools, words, fillvalue=""))
    return sheet(_BURST_COLUMNS, rows, width=width)


def _alike(lines: Iterable[BurstLine]) -> dict[tuple[str, str, str], list[BurstLine]]:
    """Lines that say the same of one workload, told once with all their pools."""
    groups: dict[tuple[str, str, str], list[BurstLine]] = {}
    for line in lines:
        groups.setdefault((line.workload, line.because, line.remedy), []).append(line)
    return groups


def bill(plan: Plan, width: int, *, wide: bool) -> list[Line]:
    """What each policy charges; in the table without those that charge nothing."""
    shown = [line for line in plan.bill if wide or money(line.usd_per_hour) != "0.00"]
    if not shown:
        return []
    total = sum(line.usd_per_hour for line in plan.bill)
    rows = [Row((f"    {line.policy}", money(line.usd_per_hour))) for line in shown]
    rows.append(Row(("    all", money(total)), Ink.BOLD))
    return sheet(_BILL_COLUMNS, rows, width=width)


def binding(plan: Plan, width: int) -> list[Line]:
    """The rules that cost something, dearest first as the plan has them."""
    rows = [
        Row((f"    {line.policy}", f"{money(line.usd_per_hour)} USD/h", _rule(line)))
        for line in plan.binding
    ]
    return sheet(_BINDING_COLUMNS, rows, width=width)


def _rule(line: BindingLine) -> str:
    """The rule's words, and what one more of it is where they do not say it."""
    return f"{line.words} ({line.relief})" if line.relief else line.words


def nearly(plan: Plan, width: int) -> list[Line]:
    """Pools that the plan does not use, and what a node there may cost at most to pay."""
    rows = [
        Row(
            (
                f"    {line.pool}",
                usd(line.usd_per_node_hour - line.less_usd_per_node_hour),
                f"{usd(line.less_usd_per_node_hour)} less than now: for {line.workload} first",
            )
        )
        for line in plan.nearly
    ]
    return sheet(_NEARLY_COLUMNS, rows, width=width)


def notes(plan: Plan, width: int) -> list[Line]:
    """What was held, frozen or left out."""
    if not plan.notes:
        return []
    return [(Word("Notes", Ink.BOLD),), *_bullets(plan.notes, width)]


def _bullets(texts: Iterable[str], width: int) -> Iterator[Line]:
    for text in texts:
        for place, line in enumerate(wrap(clean(text), width - 4)):
            yield (Word(f"  {'*' if place == 0 else ' '} {line}"),)
