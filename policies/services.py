"""Services: the rows over services that several policies ask for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from scheduler.domain.workloads import Priority
from scheduler.model.affine import Affine, Bools, Floats, Ints
from scheduler.model.board import Board
from scheduler.model.policy import Priced, Rules, at_least

ORDER = (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Services and the places where they have options: one row a pair, sorted."""

    service: Ints
    place: Ints
    row_of: Ints
    """The pair of each traffic option that was counted; -1 for the others."""

    @property
    def rows(self) -> int:
        """How many pairs."""
        return len(self.service)

    def only(self, wanted: Bools) -> "Pairs":
        """Without the other pairs."""
        row = np.where(wanted, np.cumsum(wanted) - 1, -1)
        row_of = np.append(row, -1)[self.row_of]
        return Pairs(service=self.service[wanted], place=self.place[wanted], row_of=row_of)

    def sets(self) -> Iterator[tuple[int, int]]:
        """What tells the options of one pair from those of another: the first, and how many."""
        option = np.nonzero(self.row_of >= 0)[0]
        row = self.row_of[option]
        first = np.full(self.rows, np.iinfo(np.int64).max)
        np.minimum.at(first, row, option)
        count = np.bincount(row, minlength=self.rows)
        return zip(first.tolist(), count.tolist(), strict=True)


def of_priority(board: Board, least: Priority) -> Bools:
    """The services of at least this priority."""
    rank = ORDER.index(least)
    items = board.workloads.items[: board.workloads.services]
    return np.array([ORDER.index(item.priority) >= rank for item in items], dtype=bool)


def loaded(board: Board) -> Bools:
    """The services with a load to carry."""
    wanted: Bools = board.workload_state.wanted[: board.workloads.services] > 0.0
    return wanted


def pairs(board: Board, place: Ints, counted: Bools) -> Pairs:
    """Each service with each place of its counted options; both are by traffic option."""
    owner = board.options.workload[: len(place)]
    places = int(place.max(initial=0)) + 1
    found, row = np.unique((owner * places + place)[counted], return_inverse=True)
    row_of = np.full(len(place), -1)
    row_of[counted] = row
    return Pairs(service=found // places, place=found % places, row_of=row_of)


def inside(board: Board, found: Pairs) -> Affine:
    """What the counted options of each pair carry, in GPUs."""
    option = np.nonzero(found.row_of >= 0)[0]
    return _carried(board, found.service, found.row_of[option], option)


def of_all(board: Board, service: Ints) -> Affine:
    """What all options of the service of each row carry, in GPUs."""
    return _carried(board, service, *_options_of(board, service))


def outlast(
    board: Board, name: str, found: Pairs, share: float, usd: float, words: Callable[[int], str]
) -> Rules:
    """All that the service has but the pair's options carries the share of its load.

    Priced by the GPU that lacks: a hard rule would turn users away today, lest they be turned
    away tomorrow.
    """
    row, option = _options_of(board, found.service)
    left = found.row_of[option] != row
    least = share * board.workload_state.wanted[found.service] * in_gpus(board)[found.service]
    value = _carried(board, found.service, row[left], option[left])
    return at_least(name, value, least, strictness=Priced(usd), words=words)


def in_gpus(board: Board) -> Floats:
    """GPUs that carry one request/s of each service, on the option that needs the fewest; else 0.

    So what lacks has one unit, and one price, whatever the service and the GPU.
    """
    options, n = board.options, board.traffic_options
    able = options.capacity_rps[:n]
    # A service may need no GPU at all: then a replica counts as one.
    gpus = np.where(options.gpus_per_unit[:n] > 0.0, options.gpus_per_unit[:n], 1.0)
    least = np.full(board.workloads.services, np.inf)
    carrying = able > 0.0
    np.minimum.at(least, options.workload[:n][carrying], gpus[carrying] / able[carrying])
    return np.where(np.isfinite(least), least, 0.0)


def zones(board: Board) -> tuple[Ints, tuple[str, ...]]:
    """The zone of every pool, and every zone in words. A zone belongs to one cluster."""
    declared = {str(pool.name): pool.zone for pool in board.catalogue.fleet.pools.values()}
    clusters = [str(board.catalogue.clusters[int(at)].name) for at in board.pools.cluster]
    keys = [
        (place, declared[name]) for name, place in zip(board.pools.names, clusters, strict=True)
    ]
    index = {key: at for at, key in enumerate(sorted(set(keys)))}
    words = tuple(f"zone {zone} of {place}" if zone else place for place, zone in index)
    return np.array([index[key] for key in keys], dtype=np.int64), words


def _carried(board: Board, service: Ints, row: Ints, option: Ints) -> Affine:
    """One row a service: the sum over the options listed beside its row number.

    Within the objective and without a safety: what is left after a loss may be used to the full.
    """
    able = board.options.capacity_rps[option] * in_gpus(board)[service[row]]
    return (board.units.take(option) * able).sum_by(row, len(service))


def _options_of(board: Board, service: Ints) -> tuple[Ints, Ints]:
    """(row, option) of every option of the service of each row. They lie side by side."""
    owner = board.options.workload[: board.traffic_options]
    start, stop = np.searchsorted(owner, service), np.searchsorted(owner, service, side="right")
    each = stop - start
    row = np.repeat(np.arange(len(service)), each)
    within = np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)
    return row, (start[row] + within).astype(np.int64)
