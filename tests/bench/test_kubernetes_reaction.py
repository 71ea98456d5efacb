"""The bench of the daemon's reaction, on a tiny cluster."""

from math import isfinite

from tests.bench.kubernetes_reaction import LARGE, SMALL, figures, reacted
from tests.bench.kubernetes_world import Size


def test_a_node_that_goes_is_answered_by_a_write_and_everything_is_measured() -> None:
    tiny = reacted(Size(services=2, nodes_each=2, spare_pools=1, spare_nodes=2), 1)
    assert len(tiny.reactions_s) == 1
    assert all(isfinite(each) and each > 0.0 for each in tiny.reactions_s)
    rows = {figure.name: figure for figure in figures(tiny, tiny)}
    assert set(rows) == {
        "kubernetes_reaction",
        "kubernetes_reaction_large",
        "kubernetes_daemon_memory",
        "kubernetes_probe",
    }
    assert all(row.measured > 0.0 for row in rows.values())


def test_spare_room_is_enough_for_all_that_is_lost() -> None:
    assert (SMALL.nodes, SMALL.pods) == (52, 240)
    assert (LARGE.nodes, LARGE.pods, LARGE.pools) == (5_000, 30_400, 104)
