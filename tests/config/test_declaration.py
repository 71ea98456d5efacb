"""A valid set of documents becomes what it says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.config import PolicyUse, SimulatedSite, StaticSite, StockOut, build_policies
from scheduler.domain.places import Contract, Exposure
from scheduler.domain.settings import QuietHours
from scheduler.domain.workloads import LatencyCurve, Priority

from .fleet_text import (
    FLEET,
    POLICY_TYPES,
    Budget,
    Cost,
    Green,
    Residency,
    ResponseTime,
    declare_fleet,
    declared_in,
    load_files,
    load_fleet,
    resolve,
)


@pytest.fixture(scope="module")
def declared():
    loaded = load_fleet()
    assert loaded.faults == ()
    assert loaded.declared is not None
    return loaded.declared


def test_places_are_read_with_their_units(declared):
    dc = declared.fleet.pools["dc-a100"]
    assert (dc.per_node.gpus, dc.per_node.cpu, dc.per_node.memory_gib) == (8, 128, 1024)
    assert (dc.gpu_memory_gib, dc.boot_s, dc.contract) == (40, 360, Contract.OWNED)
    assert dc.usd_per_node_hour == pytest.approx(46 * 0.14)
    spot = declared.fleet.pools["aws-g5-spot"]
    assert (spot.min_nodes, spot.max_nodes, spot.interruptions_per_hour) == (0, 20, 0.05)


def test_a_private_cluster_holds_private_data_and_a_public_one_does_not(declared):
    clusters = declared.fleet.clusters
    assert clusters["hangzhou-dc"].exposure is Exposure.PRIVATE
    assert clusters["hangzhou-dc"].holds == {"public", "internal", "private"}
    assert clusters["aws-virginia"].holds == {"public", "internal"}


def test_a_service_is_read_with_its_objective_and_curves(declared):
    service = declared.fleet.services["search-ranking"]
    assert (service.objective.quantile, service.objective.seconds) == (0.95, 0.06)
    assert service.curves["A10G"] == LatencyCurve(base_s=0.014, queue_s=0.009, limit_rps=310)
    assert (service.traffic_kb, service.image_gb, service.start_s) == (18, 6, 45)
    assert (service.late_usd_per_hour, service.users, service.spot) == (400, "cn-hangzhou", True)


def test_a_job_is_read_with_its_gang_and_instants(declared):
    job = declared.fleet.jobs["ranker-nightly"]
    assert (job.workers, job.work_gpu_hours, job.checkpoint_s) == (2, 48, 1800)
    assert job.deadline - job.not_before == 8 * 3600


@pytest.mark.parametrize(
    ("priority", "wait"), [("low", 32), ("normal", 96), ("high", 320), ("critical", 3200)]
)
def test_waiting_costs_by_priority_and_gpus_of_the_gang(priority, wait):
    text = FLEET.replace("  gang: {", f"  priority: {priority}\n  gang: {{")
    job = declare_fleet(text).fleet.jobs["ranker-nightly"]
    assert job.priority is Priority(priority)
    assert job.wait_usd_per_hour == wait


def test_being_late_costs_by_priority_where_nothing_is_said():
    text = FLEET.replace("  lateCost: 400 USD/h\n", "")
    assert declare_fleet(text).fleet.services["search-ranking"].late_usd_per_hour == 1000


def test_links_hold_both_ways_with_their_tiers(declared):
    there, back = declared.fleet.links
    assert {there.source, back.source} == {"hangzhou-dc", "aws-virginia"}
    assert there.usd(60_000) == pytest.approx(10_000 * 0.09 + 40_000 * 0.085 + 10_000 * 0.07)
    assert (there.gbit_per_s, there.rtt_s) == (5, 0.21)


def test_one_price_for_a_link_is_one_tier():
    text = FLEET.replace(
        "[{upTo: 10TB, perGB: 0.09 USD}, {upTo: 50TB, perGB: 0.085 USD}, {perGB: 0.07 USD}]",
        "0.02 USD",
    )
    assert declare_fleet(text).fleet.links[0].usd(1000) == pytest.approx(20)


def test_sites_and_sources_are_ready_for_their_adapters():
    declared = declared_in(load_files({"conf/fleet.yaml": FLEET}))
    dc, aws = declared.sites["hangzhou-dc"], declared.sites["aws-virginia"]
    assert (dc.access, aws.access) == ("static", "simulated")
    assert dc.options == StaticSite(nodes={"dc-a100": 4}, state=Path("conf/state/dc.json"))
    evening = StockOut(pool="aws-g5-spot", from_minute=1080, to_minute=1170)
    assert aws.options == SimulatedSite(seed=7, boot_jitter=0.3, stock_outs=(evening,))
    assert [source.csv for source in declared.sources] == [Path("conf/load.csv")]


def test_a_stock_out_over_midnight_is_two_windows():
    text = FLEET.replace("from: 18:00, to: 19:30", "from: 23:00, to: 01:00")
    outs = declare_fleet(text).sites["aws-virginia"].options.stock_outs
    assert [(out.from_minute, out.to_minute) for out in outs] == [(1380, 1440), (0, 60)]


def test_settings_of_the_loop_override_the_presets_key_by_key(declared):
    guard = declared.loop.guard
    assert declared.loop.every_s == 30
    assert (guard.max_nodes_added_per_tick, guard.max_nodes_released_per_tick) == (40, 7)
    night = QuietHours(start_minute=1350, end_minute=360, time_zone="Asia/Shanghai")
    assert guard.quiet_hours == (night,)


def test_policies_are_the_presets_with_the_documents_on_top(declared):
    assert declared.policies == (
        Budget(usd_per_hour=120),
        Cost(),
        Green(usd_per_kg=0.1),
        Residency(),
        ResponseTime(safety=0.8, late_price=2.0),
    )


def test_policies_are_built_again_from_plain_values_alone(declared):
    kept = json.loads(
        json.dumps([{"use": u.use, "settings": dict(u.settings)} for u in declared.policy_uses])
    )
    uses = [PolicyUse(**item) for item in reversed(kept)]
    assert build_policies(uses, POLICY_TYPES, resolve) == declared.policies


def test_settings_that_no_longer_fit_are_refused():
    with pytest.raises(ValueError, match="unknown setting colour"):
        build_policies([PolicyUse(use="cost", settings={"colour": 1})], POLICY_TYPES, resolve)


def documents() -> list[str]:
    return FLEET.split("---\n")


def test_the_digest_does_not_know_files_order_comments_or_units():
    digest = declare_fleet().digest
    parts = {f"{9 - i}.yaml": f"# note\n{text}" for i, text in enumerate(documents())}
    assert declared_in(load_files(parts)).digest == digest
    assert load_fleet("---\n".join(reversed(documents()))).declared.digest == digest
    assert declare_fleet(FLEET.replace("boot: 6m", "boot: 360s")).digest == digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("max: 64", "max: 65"), ("safety: 0.8", "safety: 0.7"), ("every: 30s", "every: 31s")],
)
def test_the_digest_changes_with_the_content(old, new):
    assert declare_fleet(FLEET.replace(old, new)).digest != declare_fleet().digest


def test_what_is_declared_cannot_be_changed(declared):
    with pytest.raises(AttributeError):
        declared.digest = ""
    assert replace(declared, digest="").digest == ""
