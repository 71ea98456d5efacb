"""The status page and faults in a terminal: also when parts are missing or strange."""

import json

from hypothesis import given
from hypothesis import strategies as st

from scheduler.render.faults_text import render_faults
from scheduler.render.paper import Output, cells
from scheduler.render.status_text import render_status

from .golden import check_golden

NOW = 18 * 3600.0 + 40 * 60.0
GROW = {"kind": "grow", "pool": "aws-g5-spot", "before": 2, "nodes": 5}
PLACE = {"kind": "place", "workload": "search-ranking", "pool": "aws-g5-spot"}
PAGE = {
    "ready": True,
    "because": "",
    "leader": True,
    "paused": False,
    "tick": 412,
    "now": NOW - 12.0,
    "seconds": {"observe": 0.21, "decide": 0.4},
    "sites": {
        "azure-east": {
            "seen": False,
            "why": "no answer in 20 s",
            "last_seen": NOW - 240.0,
            "nodes": 3,
        },
        "gcp-tokyo": {"seen": False, "why": "refused", "last_seen": None, "nodes": None},
        "hangzhou-dc": {"seen": True, "why": "", "last_seen": NOW - 12.0, "nodes": 7},
    },
    "faults": ["policies.yaml:12:5: spec.policies[2].use: unknown policy (got 'costs')"],
    "plan": {
        "pools": [
            {"pool": "aws-g5-spot", "before": 2, "after": 5, "usd_per_node_hour": 1.9},
            {"pool": "dc-a100", "before": 4, "after": 4, "usd_per_node_hour": 6.4},
        ]
    },
    "receipts": [
        {"action": GROW, "outcome": "no-capacity", "detail": "InsufficientInstanceCapacity"},
        {"action": PLACE, "outcome": "accepted", "detail": ""},
    ],
    "held": [{"action": {"kind": "drain", "pool": "dc-v100"}, "why": "quiet hours until 06:00"}],
}


def text_of(page: dict, output: Output = Output.TABLE) -> str:
    return render_status(page, now=NOW, output=output, width=100, colour=False)


def test_the_status_is_the_golden_one() -> None:
    check_golden("status-table.txt", text_of(PAGE))


def test_json_is_the_page_itself() -> None:
    assert json.loads(text_of(PAGE, Output.JSON)) == PAGE


def test_a_daemon_that_waits_says_why() -> None:
    page = text_of({"ready": False, "because": "the first tick is not done yet"})
    assert "not ready: the first tick is not done yet" in page
    assert "no tick yet" in page


def test_a_paused_standby_says_both() -> None:
    assert "paused" in text_of({**PAGE, "paused": True, "leader": False}).splitlines()[0]
    assert "standby" in text_of({**PAGE, "leader": False}).splitlines()[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=120),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(PAGE)), JSON))
def test_no_answer_of_a_daemon_breaks_the_page(page: dict) -> None:
    lines = text_of(page).splitlines()
    assert max(cells(line) for line in lines) <= 100
    assert all(line.isprintable() for line in lines)


def test_faults_are_listed_whole_and_counted() -> None:
    faults = [f"a.yaml:{line}:3: spec.price: must not be negative (got -1)" for line in (4, 9)]
    assert render_faults(faults, colour=False) == "\n".join([*faults, "2 faults"])


def test_one_fault_is_one_fault_and_none_is_said() -> None:
    assert render_faults(["x"], colour=False).endswith("1 fault")
    assert render_faults([], colour=False) == "no faults"


def test_a_fault_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in render_faults(["a.yaml:1:1: got '\x1b[2J'"], colour=True).split("\n")[0]


def test_a_standby_names_who_leads() -> None:
    page = {"ready": True, "leader": False, "holder": "pod-b_2", "identity": "pod-a_1"}
    assert "standby: pod-b_2 leads" in text_of(page)
    assert "standby: another replica leads" in text_of({"ready": True, "leader": False})


def test_notes_of_sites_are_told_with_their_object() -> None:
    note = {"subject": "node/gpu-7", "reason": "DrainBlocked", "message": "a budget allows none"}
    text = text_of({"sites": {"dc": {"seen": True, "nodes": 2, "notes": [note]}}})
    [line] = [line for line in text.splitlines() if "gpu-7" in line]
    assert line.split() == ["!", "node/gpu-7", "dc", "DrainBlocked", *note["message"].split()]
