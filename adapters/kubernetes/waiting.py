"""Waiting: pods that found no room, less those that nodes under way will hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.kubernetes.census import Census
from adapters.kubernetes.parties import Party, Seat
from adapters.kubernetes.pods import waits_for_room
from adapters.kubernetes.room import rooms_in, seat_the_coming, whole_slices
from adapters.kubernetes.shapes import Pod
from adapters.packing import Amounts, Room, amounts, first_fit
from scheduler.domain.names import Instant, PoolName


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rooms:
    """What is free on one pool, less what was given to those that came before."""

    booting: list[Room]
    ready: list[Room]


def pending_of(parties: Sequence[Party], census: Census, now: Instant) -> Mapping[Seat, int]:
    """Pods without room by party; those that have none are left out.

    Room of a booting node is promised once: the largest pods of services come first, then gangs
    that run in part, then gangs that stand still. Of a gang all workers wait or none. A gang
    that still runs on another pool waits for nothing.
    """
    running = {party.workload for party in parties if party.gang and _is_running(party)}
    found: dict[Seat, int] = {}
    for pool in {party.pool: None for party in parties}:
        here = [party for party in parties if party.pool == pool]
        unseated = [party for party in here if _unseated(party)]
        still = [each for each in here if each.waits and each.workload not in running]
        if not unseated and not still:
            continue
        rooms = _rooms(census, pool, now, for_gangs=bool(still))
        for party in sorted(unseated, key=lambda each: _urgency(each, census)):
            short = _short(party, census, rooms)
            found[party.workload, pool] = party.wanted if short and party.gang else short
        for party in (each for each in still if not each.dead):
            found[party.workload, pool] = _unseatable(party, census, rooms)
    return {seat: pending for seat, pending in found.items() if pending}


def _is_running(party: Party) -> bool:
    return not party.waits and any(pod.spec.node_name for pod in party.pods)


def _unseated(party: Party) -> list[Pod]:
    return [pod for pod in party.pods if waits_for_room(pod)]


def _rooms(census: Census, pool: PoolName, now: Instant, *, for_gangs: bool) -> _Rooms:
    # Whoever the scheduler has turned away finds no room on nodes that are ready.
    ready = rooms_in(census, pool, booting=False) if for_gangs else []
    seat_the_coming(census, pool, ready)
    return _Rooms(booting=rooms_in(census, pool, booting=True, now=now), ready=ready)


def _urgency(party: Party, census: Census) -> tuple[bool, list[float], str]:
    size = max(_size(pod, party.pool, census) for pod in _unseated(party))
    return (party.gang, [-amount for amount in size], party.workload)


def _short(party: Party, census: Census, rooms: _Rooms) -> int:
    """Pods that no booting node will hold. Takes the room of those that it will."""
    sizes = [_size(pod, party.pool, census) for pod in _unseated(party)]
    return sum(not first_fit(size, 1, rooms.booting) for size in sizes)


def _size(pod: Pod, pool: PoolName, census: Census) -> Amounts:
    # A pool that left the documents has no nodes, so the size does not matter there.
    known = pool in census.setting.pools
    return amounts(census.taken(pod, pool)) if known else (0.0, 0.0, 0.0, 1.0)


def _unseatable(party: Party, census: Census, rooms: _Rooms) -> int:
    """All workers of a gang that stands still, or none if they fit. Takes the room if they do."""
    job = census.setting.jobs.get(party.workload)
    if job is None or party.pool not in census.setting.pools:
        return 0
    size = amounts(whole_slices(job.per_pod, census, party.pool))
    left = max(0, party.wanted - party.ended)
    both = [*rooms.ready, *rooms.booting]
    trial = [list(room) for room in both]
    if len(first_fit(size, left, trial)) < left:
        return party.wanted
    for room, after in zip(both, trial, strict=True):
        room[:] = after
    return 0
