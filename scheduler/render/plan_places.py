"""The places of a plan: nodes by pool, and where each workload runs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import isfinite

from scheduler.domain.names import WorkloadName
from scheduler.domain.plan import PlacementLine, Plan, PoolLine, ServiceLine
from scheduler.domain.readings import Freshness
from scheduler.render.figures import (
    ARROW,
    count,
    latency,
    money,
    percent_figure,
    plural,
    quantile,
    step,
    usd,
)
from scheduler.render.marks import SAME_SHARE, Mark, of_placement, of_pool
from scheduler.render.paper import Ink, Line, Word, clean, cut, cut_name, without
from scheduler.render.sheet import Column, Fit, Row, sheet

TABLE_REASON_LINES = 2

_POOL_COLUMNS = (
    Column("Pools", Fit.NAME),
    Column("cluster", Fit.NAME),
    Column("contract", Fit.LABEL),
    Column("nodes", Fit.FIGURE),
    Column("USD/node-h", Fit.FIGURE),
    Column("USD/h after", Fit.FIGURE),
    Column("GPUs used", Fit.FIGURE),
    Column("why", Fit.REASON),
)

_PLACE_COLUMNS = (
    Column("Workloads", Fit.NAME),
    Column("cluster", Fit.NAME),
    Column("pods", Fit.FIGURE),
    Column("share %", Fit.FIGURE),
    Column("carries/s", Fit.FIGURE),
    Column("why", Fit.REASON),
)


def pools(plan: Plan, width: int, *, wide: bool) -> list[Line]:
    """One line a pool; in the table, the unchanged ones in one line together."""
    shown = [line for line in plan.pools if wide or of_pool(line) is not Mark.NONE]
    rows = [_pool_row(line, wide=wide) for line in shown]
    lines = sheet(_POOL_COLUMNS, rows, width=width, reason_lines=_limit(wide))
    return [*lines, *_folded("Pools", len(plan.pools) - len(shown), "pool", bool(shown))]


def _pool_row(line: PoolLine, *, wide: bool) -> Row:
    mark = of_pool(line)
    total = line.after * line.gpus_per_node
    texts = (
        f"  {mark} {line.pool}",
        line.cluster if wide else "",
        line.contract.value if wide else "",
        step(line.before, line.after),
        usd(line.usd_per_node_hour),
        money(line.usd_per_hour_after),
        f"{count(line.gpus_used)} of {count(total)}" if total else "",
        line.because,
    )
    return Row(texts, mark.ink)


def workloads(plan: Plan, width: int, *, wide: bool) -> list[Line]:
    """Each workload's load and latency, and below it one row a pool."""
    groups = _by_workload(plan)
    services = {line.service: line for line in plan.services}
    shown = [
        name for name, lines in groups.items() if wide or _worth_a_look(lines, services.get(name))
    ]
    rows: list[Row | Line] = []
    for name in shown:
        rows.extend(_subject(name, groups[name], services.get(name), width))
        said = services[name].because if name in services else ""
        rows.extend(
            _place_row(line, said, wide=wide) for line in groups[name] if line.before or line.after
        )
    lines = sheet(_PLACE_COLUMNS, rows, width=width, reason_lines=_limit(wide))
    return [*lines, *_folded("Workloads", len(groups) - len(shown), "workload", bool(shown))]


def _by_workload(plan: Plan) -> dict[WorkloadName, list[PlacementLine]]:
    """Placements by workload; a service without any has an empty list."""
    groups: dict[WorkloadName, list[PlacementLine]] = defaultdict(list)
    for service in plan.services:
        groups[service.service] = []
    for line in plan.placements:
        groups[line.workload].append(line)
    return groups


def _worth_a_look(lines: Sequence[PlacementLine], service: ServiceLine | None) -> bool:
    """Something changes, or the service is late, without replicas, or not freshly measured."""
    if any(of_placement(line) is not Mark.NONE for line in lines):
        return True
    return service is not None and (_is_late(service) or service.freshness is not Freshness.FRESH)


def _is_late(service: ServiceLine) -> bool:
    if service.predicted_s is None:
        return service.rps > 0.0
    return service.predicted_s > service.objective_s


def _subject(
    name: WorkloadName, lines: Sequence[PlacementLine], service: ServiceLine | None, width: int
) -> Iterator[Line]:
    title = Word(f"  {cut_name(clean(name), width // 3)}", Ink.BOLD)
    if service is None:
        workers = sum(line.after for line in lines)
        state = f"training, {plural(workers, 'worker')}" if workers else "training, not running"
        yield (title, Word(f"  {state}"))
        return
    load = Word(f"  {count(service.rps)} requests/s")
    yield (title, load, _latency(service), Word(_reading(service), Ink.DIM))
    if service.because:
        yield (Word(f"    {cut(clean(service.because), width - 4)}", Ink.DIM),)


def _latency(service: ServiceLine) -> Word:
    name, objective = quantile(service.quantile), latency(service.objective_s)
    if service.predicted_s is None:
        return Word(f"  no replica for {name} {objective}", Ink.ALARM)
    predicted = latency(service.predicted_s)
    if not _is_late(service):
        return Word(f"  {name} {predicted} of {objective}")
    if not isfinite(service.predicted_s):
        return Word(f"  {name} beyond {objective}: overloaded", Ink.ALARM)
    if predicted == objective:
        return Word(f"  {name} just over {objective}: late", Ink.ALARM)
    return Word(f"  {name} {predicted} of {objective}: late", Ink.ALARM)


def _reading(service: ServiceLine) -> str:
    words = []
    if service.freshness is not Freshness.FRESH:
        words.append(f"load {service.freshness.value}")
    if service.held:
        words.append("nothing is taken away")
    return f"  ({', '.join(words)})" if words else ""


def _place_row(line: PlacementLine, said: str, *, wide: bool) -> Row:
    mark = of_placement(line)
    texts = (
        f"    {mark} {line.pool}",
        line.cluster if wide else "",
        step(line.before, line.after),
        "" if line.is_job else _share(line),
        "" if line.is_job else count(line.capacity_rps),
        without(line.because, said),
    )
    return Row(texts, mark.ink)


def _share(line: PlacementLine) -> str:
    before, after = percent_figure(line.share_before), percent_figure(line.share_after)
    same = abs(line.share_before - line.share_after) < SAME_SHARE
    return after if same else f"{before} {ARROW} {after}"


def _folded(title: str, number: int, noun: str, after_rows: bool) -> Iterator[Line]:
    if not number:
        return
    if not after_rows:
        yield (Word(title, Ink.BOLD),)
    yield (Word(f"    {plural(number, noun)} unchanged", Ink.DIM),)


def _limit(wide: bool) -> int | None:
    return None if wide else TABLE_REASON_LINES
