"""What the daemon tells over HTTP: alive, ready, measured, explained."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import httpx
import pytest

from scheduler.domain.actions import Guarded, Held, Receipt
from scheduler.domain.names import ClusterName, Instant
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import SiteNote
from scheduler.runtime.http import pages
from scheduler.runtime.loop import consider, tick
from scheduler.runtime.metrics import Metrics
from scheduler.runtime.office import Alone
from scheduler.runtime.server import PortError, serving
from scheduler.runtime.status import Status
from scheduler.runtime.world import Brain, Tick

from .worlds import (
    BRAIN,
    NOON,
    FixedClock,
    FixedSource,
    a_fleet,
    a_node,
    a_series,
    a_service,
    a_site,
    a_standing,
    a_world,
    decide,
    grow,
    place,
)

DC = ClusterName("dc")


class Case:
    def __init__(self) -> None:
        self.status = Status()
        self.seconds = 1000.0
        self.metrics = Metrics(self.status, FixedClock(at=Instant(NOON + 30.0)), self.now_s)
        self.app = pages(self.status, self.metrics, self.now_s)

    def now_s(self) -> float:
        return self.seconds

    async def get(self, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tidegate") as client:
            return await client.get(path)

    async def text(self, path: str) -> tuple[int, str]:
        response = await self.get(path)
        return response.status_code, response.text.strip()

    async def tick(self, brain: Brain = BRAIN) -> Tick:
        fleet = a_fleet(services=(a_service(), a_service("ads")))
        standing = a_standing(
            a_site("dc", a_node("p-0")), sources=[FixedSource(series=(a_series(),))], fleet=fleet
        )
        done = await tick(a_world(standing, brain), None)
        self.status.documents_loaded = True
        self.status.ticked(done)
        self.metrics.ticked(done)
        return done


@pytest.fixture
def case() -> Case:
    return Case()


async def test_it_is_ready_after_the_documents_and_the_first_tick(case: Case) -> None:
    assert await case.text("/readyz") == (503, "no valid documents yet")
    case.status.documents_loaded = True
    assert await case.text("/readyz") == (503, "the first tick is not done yet")
    await case.tick()
    assert await case.text("/readyz") == (200, "ok")


async def test_it_is_alive_while_the_loop_beats_whatever_the_clouds_do(case: Case) -> None:
    assert await case.text("/healthz") == (200, "starting")
    case.status.beat_s = 1000.0
    case.status.failed("Unreachable: everything")
    case.seconds += case.status.stuck_after_s
    assert await case.text("/healthz") == (200, "ok")
    case.seconds += 1.0
    code, words = await case.text("/healthz")
    assert code == 503
    assert words == f"the loop has been silent for {case.status.stuck_after_s + 1:.0f} s"


async def test_probes_are_answered_while_the_solver_works(case: Case) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(*told: Any) -> Plan:
        entered.set()
        assert leave.wait(5.0)
        return decide(*told)

    ticking = asyncio.ensure_future(case.tick(replace(BRAIN, decide=slow)))
    await asyncio.to_thread(entered.wait, 5.0)
    assert await case.text("/healthz") == (200, "starting")
    assert (await case.text("/readyz"))[0] == 503
    assert not ticking.done()
    leave.set()
    await ticking
    assert (await case.text("/readyz"))[0] == 200


async def test_metrics_tell_the_plan_the_sites_and_the_signals(case: Case) -> None:
    await case.tick()
    case.status.beat_s = 990.0
    lines = (await case.get("/metrics")).text.splitlines()
    assert "tidegate_plan_usd_per_hour 10.0" in lines
    assert "tidegate_plan_gap_ratio 0.1" in lines
    assert 'tidegate_plan_pool_nodes{cluster="dc",pool="p"} 4.0' in lines
    assert 'tidegate_pool_nodes{cluster="dc",phase="ready",pool="p"} 1.0' in lines
    assert 'tidegate_workload_missing_rps{workload="ads"} 1.0' in lines
    assert 'tidegate_signal_age_seconds{pool="",signal="load_rps",subject="search"} 30.0' in lines
    assert 'tidegate_actions_total{kind="grow",outcome="accepted"} 1.0' in lines
    assert "tidegate_reload_failures_total 0.0" in lines
    assert "tidegate_sites_unseen 0.0" in lines
    assert "tidegate_tick_last_age_seconds 10.0" in lines
    assert 'tidegate_tick_phase_seconds_count{phase="decide"} 1.0' in lines


async def test_a_pool_that_is_gone_leaves_no_metric_behind(case: Case) -> None:
    done = await case.tick()
    case.status.ticked(replace(done, plan=replace(done.plan, pools=())))
    assert "tidegate_plan_pool_nodes{" not in (await case.get("/metrics")).text


async def test_metrics_are_served_before_the_first_tick(case: Case) -> None:
    response = await case.get("/metrics")
    assert response.status_code == 200
    assert "tidegate_tick_failures_total 0.0" in response.text


async def test_the_status_tells_the_plan_the_actions_and_what_is_held(case: Case) -> None:
    held = Guarded(allowed=(grow(),), held=(Held(action=grow("q"), why="paused"),))
    await case.tick(replace(BRAIN, guard=lambda *_: held))
    page = (await case.get("/status")).json()
    assert page["ready"] is True
    assert page["tick"] == 1
    assert page["plan"]["pools"][0]["after"] == 4
    assert page["actions"][0]["kind"] == "grow"
    assert page["held"][0]["why"] == "paused"
    assert page["receipts"][0]["outcome"] == "accepted"
    seen = {"seen": True, "why": "", "last_seen": NOON, "nodes": 1, "notes": []}
    assert page["sites"] == {"dc": seen}


async def test_the_status_tells_what_is_wrong(case: Case) -> None:
    case.status.document_faults = ("policy.yaml:3:5: spec.gap: is not a number",)
    case.status.failed("ArithmeticError: no pivot")
    case.status.journal_fault = "disk is full"
    page = (await case.get("/status")).json()
    assert page["ready"] is False
    assert page["faults"] == [
        "policy.yaml:3:5: spec.gap: is not a number",
        "ArithmeticError: no pivot",
        "disk is full",
    ]


async def test_the_pages_are_served_on_a_port_of_this_machine(case: Case) -> None:
    async with serving(case.app, port=0) as port, httpx.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{port}/healthz")
    assert response.text == "starting\n"


async def test_a_port_in_use_is_said_with_the_remedy(case: Case) -> None:
    async with serving(case.app, port=0) as port:
        with pytest.raises(PortError, match="choose another port"):
            async with serving(case.app, port=port):
                pass


async def test_a_standby_is_ready_and_says_who_leads(case: Case) -> None:
    standing = a_standing(a_site("dc", a_node("p-0")))
    case.status.documents_loaded = True
    case.status.office = Elsewhere()
    case.status.stood_by(await consider(a_world(standing), None))
    assert await case.text("/readyz") == (200, "ok")
    page = (await case.get("/status")).json()
    assert (page["leader"], page["holder"], page["identity"]) == (False, "pod-b_2", "pod-a_1")
    assert page["plan"]["pools"][0]["after"] == 4
    assert "receipts" not in page
    lines = (await case.text("/metrics"))[1].splitlines()
    assert "tidegate_leader 0.0" in lines
    assert "tidegate_leader_transitions_total 3.0" in lines


async def test_a_daemon_by_itself_leads_and_says_nothing_of_others(case: Case) -> None:
    await case.tick()
    assert "leader" not in (await case.get("/status")).json()
    assert "tidegate_leader 1.0" in (await case.text("/metrics"))[1].splitlines()


async def test_metrics_tell_traffic_notes_and_what_could_not_be_carried_on(case: Case) -> None:
    done = await case.tick()
    note = SiteNote(subject="node/p-0", reason="DrainBlocked", message="a budget allows none")
    site = replace(done.snapshot.sites[DC], notes=(note,))
    receipts = (Receipt(action=place(pods=2), outcome="accepted"),)
    case.status.ticked(
        replace(
            done,
            snapshot=replace(done.snapshot, sites={DC: site}),
            receipts=receipts,
            untended={DC: "no answer"},
        )
    )
    lines = (await case.text("/metrics"))[1].splitlines()
    assert 'tidegate_site_notes{cluster="dc",reason="DrainBlocked"} 1.0' in lines
    assert 'tidegate_traffic_share{cluster="dc",pool="p",workload="search"} 1.0' in lines
    assert "tidegate_tend_failures_total 1.0" in lines
    page = (await case.get("/status")).json()
    assert page["sites"]["dc"]["notes"][0]["subject"] == "node/p-0"
    assert page["untended"] == {"dc": "no answer"}


class Elsewhere(Alone):
    """The office of a replica that stands by."""

    identity = "pod-a_1"
    holder = "pod-b_2"
    transitions = 3

    def leads(self) -> bool:
        return False
