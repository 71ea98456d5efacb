"""Where a node has too many fillings to list them, those that pay are found by their price."""

import numpy as np

from policies.cost import Cost
from scheduler.domain.places import Resources
from scheduler.model.board import Board, survey
from scheduler.model.fillings import MOST
from scheduler.model.policy import Policy
from scheduler.model.problem import assemble
from scheduler.planning.decide import decide
from scheduler.planning.decision import ROUNDS
from scheduler.solve.enrich import enrich
from tests.model.worlds import EXACT, a_demand, a_fleet, a_pool, a_service, a_snapshot

POLICIES: tuple[Policy, ...] = (Cost(),)
LARGE = Resources(gpus=64, cpu=200, memory_gib=640, pods=110)
TAKES = tuple(zip(range(1, 9), range(24, 0, -3), strict=True))
FLEET = a_fleet(
    a_pool("cloud-a", "cloud", max_nodes=60, per_node=LARGE, usd_per_node_hour=10.0),
    *(
        a_service(
            f"of-{gpus}",
            per_pod=Resources(gpus=gpus, cpu=cpu, memory_gib=1),
            min_replicas=9,
            max_replicas=9,
        )
        for gpus, cpu in TAKES
    ),
)


def a_board() -> Board:
    return survey(a_snapshot(FLEET), a_demand(FLEET, {}))


def test_the_fillings_are_too_many_to_list() -> None:
    (packing,) = a_board().packings
    assert not packing.complete
    assert len(packing.fillings) <= MOST


def test_each_round_lowers_the_relaxation_and_every_bound_lies_below_it() -> None:
    board, costs, bounds = a_board(), [], []
    for _ in range(ROUNDS):
        found = enrich(assemble(board, POLICIES), board, 5.0)
        assert found is not None
        bounds.append(found.bound)
        if not found.grown:
            break
        (packing,) = found.packings
        assert np.all(packing.fillings @ packing.takes <= packing.room + 1e-6)
        board = board.packed(found.packings)
        costs.append(len(packing.fillings))
    assert costs == sorted(costs)
    assert len(costs) >= 2
    fluid = 10.0 * max(
        9 * sum(gpus for gpus, _ in TAKES) / 64, 9 * sum(cpu for _, cpu in TAKES) / 200
    )
    # The last bound is the best: no worse than what GPUs and CPUs alone would say.
    assert max(bounds) >= fluid - 1e-6


def test_a_plan_is_proven_within_two_nodes_of_the_best() -> None:
    plan = decide(a_snapshot(FLEET), a_demand(FLEET, {}), POLICIES, EXACT)
    (pool,) = plan.pools
    assert not plan.missing
    # One node for whole numbers, and one for first fit, which packs less well than fillings.
    assert plan.proof.objective - plan.proof.bound < 2.0 * pool.usd_per_hour_after / pool.after
