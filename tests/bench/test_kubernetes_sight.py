"""The bench of a large cluster, on a small one."""

from tests.bench.kubernetes_server import sizes
from tests.bench.kubernetes_sight import a_server, figures, looked


def test_everything_that_the_server_has_is_seen_and_measured() -> None:
    with a_server(7, 1_001) as server:
        cost = looked(server, 2)
    assert (cost.nodes, cost.pods, len(cost.changes_s)) == (7, 1_001, 2)
    rows = {figure.name: figure for figure in figures([cost])}
    assert set(rows) == {"kubernetes_first_look", "kubernetes_memory", "kubernetes_change"}
    assert rows["kubernetes_change"].measured > 0
    assert rows["kubernetes_memory"].measured > cost.before_mib > 0


def test_the_objects_are_as_large_as_real_ones() -> None:
    assert {name: round(size / 1e3) for name, size in sizes()} == {"node": 12, "pod": 5}
