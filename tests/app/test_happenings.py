"""What a tick did is told on the objects that run it, in their own cluster."""

from collections.abc import Sequence
from dataclasses import replace

from scheduler.app.happenings import HOME, happenings_of
from scheduler.domain.actions import Action, Guarded, Held, Receipt
from scheduler.domain.bindings import Adopted, Bindings, Owned, Suspendable, WorkloadBinding
from scheduler.domain.names import ClusterName, PoolName, WorkloadName
from scheduler.domain.snapshot import SiteNote, SiteReport
from scheduler.runtime.loop import tick
from scheduler.runtime.world import Tick
from tests.runtime.worlds import (
    BRAIN,
    NOON,
    a_site,
    a_standing,
    a_world,
    drain,
    grow,
    place,
    release,
)

DC = ClusterName("dc")
SEARCH, POOL = WorkloadName("search"), PoolName("p")


def bound(runs: Adopted | Owned | Suspendable) -> Bindings:
    return Bindings(workloads={SEARCH: WorkloadBinding(workload=SEARCH, runs=runs)})


ADOPTED = bound(Adopted(namespace="ml", deployments={POOL: "search-a100"}))
OWNED = bound(Owned(namespace="ml", template={}))


async def done(
    actions: Sequence[Action] = (), outcome: str = "accepted", held: Sequence[Held] = ()
) -> Tick:
    quiet = replace(BRAIN, diff=lambda *_: ())
    one = await tick(a_world(a_standing(a_site("dc")), quiet), None)
    receipts = tuple(Receipt(action=each, outcome=outcome, detail="none left") for each in actions)
    return replace(one, receipts=receipts, guarded=Guarded(allowed=(), held=tuple(held)))


def told(one: Tick, bindings: Bindings = ADOPTED) -> dict[str, list[tuple[str, str, bool]]]:
    all_ = happenings_of(one, bindings, frozenset({DC}), "tidegate")
    return {
        name: [(each.subject, each.reason, each.warning) for each in items]
        for name, items in all_.items()
    }


async def test_a_placement_is_told_on_the_deployment_that_was_scaled() -> None:
    one = await done([place(pods=2)])
    assert told(one) == {DC: [("deployment/ml/search-a100", "Placed", False)]}
    assert told(one, OWNED) == {DC: [("deployment/ml/search-p", "Placed", False)]}


async def test_drained_and_released_nodes_are_told_each() -> None:
    assert told(await done([drain("n1", "n2"), release("n3")])) == {
        DC: [
            ("node/n1", "Draining", False),
            ("node/n2", "Draining", False),
            ("node/n3", "Released", False),
        ]
    }


async def test_growth_has_no_node_yet_and_is_told_at_home() -> None:
    one = await done([grow()])
    [happening] = happenings_of(one, ADOPTED, frozenset({DC}), "tidegate")[HOME]
    assert happening.subject == "configmap/tidegate/tidegate-status"
    assert happening.message == "pool/p in dc: pool p from 0 to 2 nodes: load"


async def test_sold_out_and_refused_are_warnings_with_the_reason() -> None:
    assert told(await done([grow()], "no-capacity"))[HOME][0][1:] == ("SoldOut", True)
    one = await done([place(pods=2)], "refused")
    [happening] = happenings_of(one, ADOPTED, frozenset({DC}), "tidegate")[DC]
    assert (happening.reason, happening.warning) == ("Refused", True)
    assert happening.message.startswith("none left; asked was: 0 -> 2 pods on p")


async def test_what_was_skipped_is_not_told_for_the_next_tick_decides_it() -> None:
    assert told(await done([place(pods=2)], "skipped")) == {}


async def test_what_is_held_back_is_told_with_why() -> None:
    one = await done(held=[Held(action=drain("n1"), why="quiet hours until 06:00")])
    [happening] = happenings_of(one, ADOPTED, frozenset({DC}), "tidegate")[DC]
    assert (happening.subject, happening.reason) == ("node/n1", "Held")
    assert "quiet hours until 06:00" in happening.message


async def test_notes_of_a_site_are_told_as_long_as_it_is_seen() -> None:
    note = SiteNote(subject="node/n1", reason="DrainBlocked", message="a budget allows none")
    one = await done()
    noted = replace(
        one.snapshot, sites={DC: SiteReport(cluster=DC, at=NOON, notes=(note,))}, unseen={}
    )
    assert told(replace(one, snapshot=noted)) == {DC: [("node/n1", "DrainBlocked", True)]}
    unseen = replace(noted, unseen={DC: "no answer"})
    assert told(replace(one, snapshot=unseen)) == {}


async def test_sites_that_are_not_kubernetes_are_told_of_at_home() -> None:
    one = await done([drain("n1")])
    told_ = happenings_of(one, Bindings(), frozenset(), "tidegate")
    assert [each.message for each in told_[HOME]] == ["node/n1 in dc: of pool p: surplus"]
