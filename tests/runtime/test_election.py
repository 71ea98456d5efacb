"""Of several replicas one may act: whatever is slow, lost, paused, deleted or out of step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.lease import Lease
from scheduler.runtime.election import Election, Look, Pace, Wait, Write

NOON = "2026-11-11T12:00:00.000000Z"
HELD_BY_A = Lease(holder="a", version="7", transitions=3, acquired="before", renewed="now")


def b_saw(lease: Lease | None, *, at_s: float = 100.0) -> Election:
    return Election(identity="b").looked(lease, at_s, 0.0)


def leading(at_s: float = 100.0) -> Election:
    lease = Lease(holder="b", version="1")
    return Election(identity="b").wrote(lease, at_s, at_s + 0.1)


def test_nobody_knows_anything_before_the_first_look() -> None:
    fresh = Election(identity="b")
    assert fresh.step(0.0, NOON) == Look()
    assert not fresh.leads(0.0)


def test_a_lease_that_was_given_up_is_taken_at_once() -> None:
    found = b_saw(Lease(holder="", version="7", transitions=3))
    assert found.step(100.0, NOON) == Write(
        lease=Lease(holder="b", version="7", transitions=4, acquired=NOON, renewed=NOON)
    )


def test_a_lease_of_another_is_taken_when_it_has_stood_still_for_its_time() -> None:
    found = b_saw(HELD_BY_A)
    assert found.step(114.9, NOON) == Look()
    step = found.step(115.0, NOON)
    assert isinstance(step, Write)
    assert step.lease.transitions == 4


def test_the_look_is_timed_for_the_instant_at_which_the_lease_expires() -> None:
    found = b_saw(HELD_BY_A).looked(HELD_BY_A, 114.0, 0.0)
    assert found.step(114.5, NOON) == Wait(until_s=115.0)


def test_a_renewal_seen_begins_the_time_anew() -> None:
    found = b_saw(HELD_BY_A).looked(replace(HELD_BY_A, version="8"), 110.0, 0.0)
    assert found.step(124.9, NOON) == Look()
    assert isinstance(found.step(125.0, NOON), Write)


def test_the_version_tells_a_renewal_even_where_the_leaders_clock_stands_still() -> None:
    renewed = replace(HELD_BY_A, version="8")
    assert renewed.renewed == HELD_BY_A.renewed
    assert b_saw(HELD_BY_A).looked(renewed, 114.0, 0.0).step(116.5, NOON) == Look()


def test_a_longer_lease_of_another_is_respected() -> None:
    found = b_saw(replace(HELD_BY_A, lease_s=60.0))
    assert found.step(159.0, NOON) == Look()
    assert isinstance(found.step(160.0, NOON), Write)


def test_a_lease_that_is_made_is_nobodys_until_a_leader_before_it_must_have_noticed() -> None:
    found = b_saw(None)
    nobodys = Lease(holder="nobody", acquired=NOON, renewed=NOON)
    assert found.step(100.0, NOON) == Write(lease=nobodys)
    made = found.wrote(replace(nobodys, version="1"), 100.0, 100.5)
    assert not made.leads(100.5)
    assert made.step(115.4, NOON) == Look()
    step = made.step(115.5, NOON)
    assert isinstance(step, Write)
    assert (step.lease.holder, step.lease.transitions) == ("b", 0)


def test_its_own_lease_is_resumed_at_once_after_a_restart_in_the_same_pod() -> None:
    found = b_saw(Lease(holder="b", version="7", transitions=3, acquired="before"))
    assert not found.leads(100.0)
    assert found.step(100.0, NOON) == Write(
        lease=Lease(holder="b", version="7", transitions=3, acquired="before", renewed=NOON)
    )


def test_it_leads_from_the_start_of_the_request_and_not_from_its_answer() -> None:
    taken = b_saw(Lease(holder="", version="7")).wrote(Lease(holder="b", version="8"), 100.0, 104.0)
    assert taken.leads(109.9)
    assert not taken.leads(110.0)


def test_an_answer_that_comes_too_late_makes_no_leader() -> None:
    late = b_saw(Lease(holder="", version="7")).wrote(Lease(holder="b", version="8"), 100.0, 111.0)
    assert not late.leads(111.0)


def test_a_leader_renews_every_two_seconds() -> None:
    leader = leading()
    assert leader.step(101.0, NOON) == Wait(until_s=102.0)
    assert isinstance(leader.step(102.0, NOON), Write)


def test_a_leader_that_cannot_renew_stops_after_ten_seconds() -> None:
    leader = leading()
    for at_s in (102.0, 104.0, 108.0):
        leader = leader.failed(at_s, 0.0)
    assert leader.leads(109.9)
    assert not leader.leads(110.0)


def test_after_a_failure_it_looks_at_once_and_then_every_two_seconds() -> None:
    once = leading().failed(102.0, 0.0)
    assert once.step(102.0, NOON) == Look()
    assert once.failed(102.1, 0.0).step(102.2, NOON) == Wait(until_s=104.1)


def test_a_renewal_that_arrived_without_an_answer_is_built_upon() -> None:
    unsure = leading().failed(107.0, 0.0).looked(Lease(holder="b", version="2"), 107.1, 0.0)
    step = unsure.step(107.1, NOON)
    assert isinstance(step, Write)
    assert step.lease.version == "2"
    assert not unsure.leads(110.0), "the look itself renews nothing"


def test_a_leader_that_sees_another_in_the_lease_stops_at_once() -> None:
    assert not leading().looked(HELD_BY_A, 103.0, 0.0).leads(103.0)


def test_the_term_counts_each_beginning_and_no_renewal() -> None:
    leader = leading()
    renewed = leader.wrote(Lease(holder="b", version="2"), 102.0, 102.1)
    again = renewed.wrote(Lease(holder="b", version="3"), 113.0, 113.1)
    assert (leader.term, renewed.term, again.term) == (1, 1, 2)


def test_no_call_is_begun_that_could_outlast_the_lease() -> None:
    leader = leading()
    assert leader.may_write(109.9, 5.0)
    assert not leader.may_write(110.0, 5.0)
    assert leader.may_write(105.0, 10.0)
    assert not leader.may_write(105.1, 10.0)


def test_who_resigns_leads_no_more_and_looks_anew() -> None:
    gone = leading().resigned(103.0)
    assert not gone.leads(103.0)
    assert gone.step(103.0, NOON) == Look()


def test_what_is_released_names_nobody_and_keeps_the_count() -> None:
    released = leading().release(NOON)
    assert released is not None
    assert (released.holder, released.version, released.transitions) == ("", "1", 0)


def test_there_is_nothing_to_release_in_a_lease_of_another_or_one_in_doubt() -> None:
    assert b_saw(HELD_BY_A).release(NOON) is None
    assert leading().failed(101.0, 0.0).release(NOON) is None


def test_a_pace_at_which_two_could_lead_is_refused() -> None:
    with pytest.raises(ValueError, match="renew_s < lease_s"):
        Pace(lease_s=10.0, renew_s=10.0)


@dataclass
class Server:
    """One lease with versions, as the API server keeps it."""

    lease: Lease | None = None
    writes: int = 0

    def put(self, lease: Lease) -> Lease | None:
        there = self.lease.version if self.lease else ""
        if lease.version != there:
            return None
        self.writes += 1
        self.lease = replace(lease, version=str(self.writes))
        return self.lease


@dataclass
class Replica:
    """An election whose requests take the time, and meet the fate, that chance says."""

    election: Election
    rate: float
    """How fast its clock goes, beside true time."""
    offset_s: float
    chance: Random
    trouble: float
    """How likely a request is slow or lost."""
    busy: list[tuple[float, Callable[[float], None]]] = field(default_factory=list)
    """What its open request does, and when: at the server, then back here."""

    def clock_s(self, true_s: float) -> float:
        return self.offset_s + true_s * self.rate

    def leads(self, true_s: float) -> bool:
        return self.election.leads(self.clock_s(true_s))

    def begin(self, server: Server, at_s: float) -> None:
        """Start the next request, if one is due."""
        started_s = self.clock_s(at_s)
        step = self.election.step(started_s, NOON)
        if isinstance(step, Wait):
            return
        there_s, back_s = self.delay_s(), self.delay_s()
        fate = self.chance.choice(("asked", "answered")) if self.hit() else ""
        answer: list[Lease | None] = []

        def arrive(_: float) -> None:
            if fate != "asked":
                answer.append(server.put(step.lease) if isinstance(step, Write) else server.lease)

        def come_back(now_s: float) -> None:
            here_s, jitter = self.clock_s(now_s), self.chance.random()
            election = self.election
            if not answer or fate == "answered":
                self.election = election.failed(here_s, jitter)
            elif isinstance(step, Look):
                self.election = election.looked(answer[0], here_s, jitter)
            elif answer[0] is None:
                self.election = election.failed(here_s, jitter)
            else:
                self.election = election.wrote(answer[0], started_s, here_s)

        self.busy = [(at_s + there_s, arrive), (at_s + there_s + back_s, come_back)]

    def hit(self) -> bool:
        return self.chance.random() < self.trouble

    def delay_s(self) -> float:
        return self.chance.choice((1.0, 3.0, 8.0, 20.0)) if self.hit() else 0.05


def moments(replicas: list[Replica], server: Server, chance: Random) -> Iterator[float]:
    """Five minutes of true time; now and then a process stands still, or the lease is deleted."""
    still_until_s = [0.0] * len(replicas)
    for tick in range(1200):
        now_s = tick * 0.25
        for place, replica in enumerate(replicas):
            arrivals = sum(at_s <= now_s for at_s, _ in replica.busy)
            for _ in range(arrivals):
                at_s, do = replica.busy[0]
                # An answer waits for a process that stands still; what is at the server does not.
                if len(replica.busy) == 1 and now_s < still_until_s[place]:
                    break
                replica.busy.pop(0)
                do(max(at_s, still_until_s[place]) if not replica.busy else at_s)
                yield now_s
            if chance.random() < 0.002:
                still_until_s[place] = now_s + chance.choice((5.0, 12.0, 30.0))
            if not replica.busy and now_s >= still_until_s[place]:
                replica.begin(server, now_s)
        if chance.random() < 0.002:
            server.lease = None
        yield now_s


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rates=st.tuples(*[st.sampled_from([0.9, 1.0, 1.1])] * 3),
    trouble=st.sampled_from([0.02, 0.1, 0.3]),
)
def test_two_never_lead_at_once_and_no_call_outlasts_a_leader(
    seed: int, rates: tuple[float, ...], trouble: float
) -> None:
    """Requests slow or lost, processes that stand still, clocks of different pace, deletions."""
    chance = Random(seed)
    replicas = [
        Replica(Election(identity=name), rate, 1000.0 * place, chance, trouble)
        for place, (name, rate) in enumerate(zip("abc", rates, strict=True))
    ]
    server, call_s = Server(), 2.0
    calls_end_s = dict.fromkeys("abc", 0.0)
    for now_s in moments(replicas, server, chance):
        leaders = {one.election.identity for one in replicas if one.leads(now_s)}
        assert len(leaders) <= 1
        for one in replicas:
            others = leaders - {one.election.identity}
            assert not others or calls_end_s[one.election.identity] <= now_s
            if one.election.may_write(one.clock_s(now_s), call_s):
                calls_end_s[one.election.identity] = now_s + call_s / one.rate
    assert sum(one.election.term for one in replicas) > 0, "somebody has led"


@settings(max_examples=60, deadline=None)
@given(jitters=st.lists(st.floats(0.0, 1.0), min_size=40, max_size=40), died=st.floats(0.0, 2.0))
def test_another_leads_within_nineteen_seconds_of_a_death(
    jitters: list[float], died: float
) -> None:
    """The leader renewed at 0 and is killed some time before its next renewal."""
    server = Server(lease=Lease(holder="a", version="0"))
    chance = iter(jitters)
    b = Election(identity="b").looked(Lease(holder="a", version="older"), -2.5 + died, next(chance))
    now_s = max(0.0, b.due_s)
    while not b.leads(now_s):
        match b.step(now_s, NOON):
            case Look():
                b = b.looked(server.lease, now_s + 0.01, next(chance))
            case Write(lease=lease):
                kept = server.put(lease)
                assert kept is not None
                b = b.wrote(kept, now_s, now_s + 0.01)
            case Wait(until_s=until_s):
                now_s = until_s
    assert now_s <= 19.0
