"""Policies are chosen, overridden and checked; residency cannot be switched off."""

import pytest

from .fleet_text import (
    BALANCED,
    FLEET,
    HEAD,
    Cost,
    Residency,
    ResponseTime,
    Stability,
    declare_fleet,
    declared_in,
    faults_with,
    load_fleet,
)

WITHOUT_POLICY = "---\n".join(FLEET.split("---\n")[:-1]).replace("46 CNY/h", "6.40 USD/h")


def policies(spec: str):
    text = f"{WITHOUT_POLICY}---\n{HEAD}kind: Policy\nmetadata: {{name: x}}\nspec: {spec}\n"
    loaded = load_fleet(text)
    assert loaded.faults == ()
    return declared_in(loaded).policies


BALANCED_POLICIES = (
    Cost(),
    Residency(),
    ResponseTime(safety=0.9, late_price=2.0),
    Stability(),
)


def test_without_a_policy_document_the_balanced_preset_holds():
    declared = declare_fleet(WITHOUT_POLICY)
    assert declared.policies == BALANCED_POLICIES
    assert declared.loop.guard.max_nodes_released_per_tick == 7


def test_a_document_that_names_no_policy_keeps_the_balanced_ones():
    assert policies("{guard: {paused: true}}") == BALANCED_POLICIES


def test_a_list_without_a_preset_is_the_whole_list_and_residency():
    assert policies("{policies: [{use: cost}]}") == (Cost(), Residency())


def test_an_entry_keeps_what_the_preset_says_and_it_does_not():
    chosen = policies("{preset: balanced, policies: [{use: response-time, safety: 0.5}]}")
    assert ResponseTime(safety=0.5, late_price=2.0) in chosen


def test_off_switches_an_entry_of_the_preset_off():
    chosen = policies("{preset: balanced, policies: [{use: stability, off: true}]}")
    assert Stability() not in chosen


def test_residency_takes_settings():
    chosen = policies("{policies: [{use: residency, alsoPrivate: [search-ranking]}]}")
    assert chosen == (Residency(also_private=("search-ranking",)),)


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        (
            "{use: budgte, usdPerHour: 1}",
            "1.use: unknown policy (got budgte), did you mean budget?",
        ),
        (
            "{use: budget, usdPerhour: 120}",
            "1.usdPerhour: unknown setting of budget, did you mean usdPerHour?",
        ),
        (
            "{use: budget, usd_per_hour: 120}",
            "1.usd_per_hour: unknown setting of budget, did you mean usdPerHour?",
        ),
        ("{use: cost, name: x}", "1.name: unknown setting of cost"),
        ("{use: budget}", "1.usdPerHour: is missing"),
        ("{use: budget, usdPerHour: lots}", "1.usdPerHour: must be a number (got lots)"),
        ("{use: budget, usdPerHour: '120'}", "1.usdPerHour: must be a number (got 120)"),
        ("{use: budget, usdPerHour: true}", "1.usdPerHour: must be a number (got true)"),
        ("{use: budget, usdPerHour: -5}", "1.usdPerHour: must not be negative (got -5)"),
        ("{use: budget, usdPerHour: .nan}", "must be a finite number (got .nan)"),
        ("{use: budget, usdPerHour: 5, ownedToo: 1}", "1.ownedToo: must be true or false"),
        ("{use: budget, with: {usdPerHour: 5}}", "1.with: settings of a built-in stand beside"),
        ("{use: response-time}", "1.use: is listed twice: it is already entry 0"),
        ("{use: residency, off: true}", "1.off: residency is always in force"),
        ("{off: true}", "1.use: is missing"),
        ("{use: acme.nowhere:Red}", "1.use: cannot be imported: ModuleNotFoundError: No module"),
    ],
)
def test_a_wrong_entry_is_a_fault_at_its_place(new, fault):
    found = faults_with("{use: budget, usdPerHour: 120}", new)
    assert len(found) == 1, found
    assert fault in found[0]
    line = FLEET[: FLEET.index("{use: budget")].count("\n") + 1
    assert found[0].startswith(f"fleet.yaml:{line}:")


def test_a_check_of_the_policys_own_points_at_the_setting_that_it_names():
    (fault,) = faults_with("safety: 0.8", "safety: 1.8")
    assert "spec.policies.0.safety: safety must be at most 1 (got 1.8)" in fault


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        ("{use: acme.policies:Green, usdPerKg: 1}", "stand under `with`"),
        ("{use: acme.policies:Green, with: {usdPerkg: 1}}", "did you mean usdPerKg?"),
        (
            "{use: acme.policies:Green, with: {usdPerKg: a}}",
            "with.usdPerKg: must be a number",
        ),
    ],
)
def test_settings_from_outside_the_tree_are_checked_too(new, fault):
    (found,) = faults_with("{use: acme.policies:Green, with: {usdPerKg: 0.1}}", new)
    assert fault in found


def test_an_unknown_preset_names_the_known_ones():
    (fault,) = faults_with("preset: balanced", "preset: balancd")
    assert "spec.preset: unknown preset: there are balanced (got balancd), did you mean" in fault


def test_a_preset_with_a_fault_is_named_as_the_file():
    loaded = load_fleet(presets={"balanced": BALANCED.replace("safety", "safty")})
    (fault,) = loaded.faults
    assert str(fault).startswith("presets/balanced.yaml:6:28: spec.policies.0.safty: unknown")


def test_a_preset_cannot_build_on_another():
    loaded = load_fleet(presets={"balanced": BALANCED.replace("spec:\n", "spec:\n  preset: x\n")})
    assert "a preset stands on its own" in str(loaded.faults[0])
