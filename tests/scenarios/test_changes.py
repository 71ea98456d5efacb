"""Documents that change while the day runs: a good one is in force at the next tick."""

import json
from pathlib import Path

from scheduler.runtime.world import Tick
from tests.scenarios.stage import Hearing, Played, a_policy, a_shop, minutes_of, play

RISING = (1500, 3000, 6000, 7000)
"""More than the owned nodes carry, from the twentieth minute on."""


def _rented(tick: Tick) -> float:
    return sum(line.usd_per_hour_after for line in tick.plan.pools if line.contract != "owned")


def _uses(tick: Tick) -> dict[str, dict[str, float]]:
    return {use["use"]: use["settings"] for use in json.loads(tick.policy_uses)}


def test_a_budget_added_while_it_runs_changes_the_next_decision(tmp_path: Path) -> None:
    folder = a_shop(tmp_path, RISING)
    a_policy(folder, "{preset: balanced}")

    def hearing(_: Played) -> Hearing:
        def heard(tick: Tick) -> None:
            if minutes_of(tick) == 26.0:
                a_policy(folder, "{preset: balanced, policies: [{use: budget, usdPerHour: 0}]}")

        return heard

    played = play(folder, hearing=hearing)
    before = next(tick for tick in played.ticks if minutes_of(tick) == 26.0)
    after = next(tick for tick in played.ticks if minutes_of(tick) == 27.0)
    assert "budget" not in _uses(before)
    assert _uses(after)["budget"] == {"usdPerHour": 0}
    assert _rented(before) > 0.0
    assert _rented(after) <= _rented(before)
    assert {line.policy for line in after.plan.bill} - {
        line.policy for line in before.plan.bill
    } == {"budget"}
    assert _rented(played.ticks[-1]) == 0.0
    assert played.ticks[-1].plan.missing[0].workload == "search"


def test_a_broken_policy_is_refused_and_the_last_good_one_stays(tmp_path: Path) -> None:
    folder = a_shop(tmp_path, RISING)
    a_policy(folder, "{preset: cost-first}")
    faults: dict[float, tuple[str, ...]] = {}

    def hearing(played: Played) -> Hearing:
        def heard(tick: Tick) -> None:
            minute = minutes_of(tick)
            faults[minute] = played.run.status.document_faults
            if minute == -20.0:
                a_policy(folder, "{preset: [}")
            if minute == -15.0:
                a_policy(folder, "{preset: response-first}")

        return heard

    played = play(folder, hours=0.1, hearing=hearing)
    uses = {minutes_of(tick): _uses(tick) for tick in played.ticks}
    assert "reserve" not in uses[-20.0]
    assert uses[-19.0] == uses[-15.0] == uses[-20.0]
    assert "reserve" in uses[-14.0]
    assert faults[-20.0] == faults[-14.0] == ()
    assert all("policy.yaml:4:" in fault for fault in faults[-19.0])
    assert faults[-19.0]
    assert played.run.status.reload_failures == 1


def test_work_that_is_added_is_placed_at_the_next_tick(tmp_path: Path) -> None:
    folder = a_shop(tmp_path, (900, 900, 900))
    job = (folder / "search.yaml").read_text(encoding="utf-8").splitlines()[0] + (
        "\nkind: TrainingJob\nmetadata: {name: refresh}\nspec:\n  gang: {workers: 1}\n"
        "  worker: {gpus: 4, gpuMemory: 12Gi, cpu: 8, memory: 32Gi}\n"
        "  speed: {T4: 1.0}\n  work: 8 GPUh\n"
    )

    def hearing(_: Played) -> Hearing:
        def heard(tick: Tick) -> None:
            if minutes_of(tick) == -25.0:
                (folder / "job.yaml").write_text(job, encoding="utf-8")

        return heard

    played = play(folder, hours=0.1, hearing=hearing)
    planned = {
        minutes_of(tick): {line.workload for line in tick.plan.placements if line.after}
        for tick in played.ticks
    }
    assert planned[-25.0] == {"search"}
    assert planned[-24.0] == {"search", "refresh"}
