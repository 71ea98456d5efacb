"""Worth: what one node, one request per second, or a lower price would change, by the relaxation.

Shadow prices hold for a small change; whole nodes and replicas make steps of it.
"""

import numpy as np

from scheduler.domain.names import PoolName, WorkloadName
from scheduler.domain.plan import NearlyLine
from scheduler.model.affine import Bools, Floats
from scheduler.model.board import FLOW, MISSING, NODES, UNITS
from scheduler.planning.decision import Decision

MOST = 5
LEAST_USD = 0.005
CARRIED = ("load", "objective")
"""Rules whose limit is the load of each service."""


def worth_of_a_node(decision: Decision) -> Floats:
    """USD per hour that one more node would save, by pool, where the pool is at its maximum.

    Where a pool is full the relaxation may charge its limit to the units that it has room for.
    """
    board, problem, options = decision.board, decision.problem, decision.board.options
    prices = decision.solution.reduced_costs
    room = np.floor(board.pools.max_nodes[options.pool] / options.nodes_per_unit + 1e-9)
    by_room = board.blocks[UNITS].upper == room
    units = np.where(by_room, np.minimum(0.0, prices[problem.span(UNITS)]), 0.0)
    through = np.bincount(
        options.pool, units / options.nodes_per_unit, minlength=len(board.pools.names)
    )
    worth: Floats = -(prices[problem.span(NODES)] + through)
    return worth


def cost_of_a_request(decision: Decision) -> Floats:
    """USD per hour that one more request per second would add, by service."""
    board, problem, solution = decision.board, decision.problem, decision.solution
    services = board.workloads.services
    total = np.zeros(services)
    for family in problem.families:
        rows = family.stop - family.start
        if family.name in CARRIED and rows == services:
            total += solution.row_duals[family.start : family.stop]
    # What may go missing, and what one option may carry, grows with the load.
    prices = np.minimum(0.0, solution.reduced_costs)
    total += prices[problem.span(MISSING)][:services]
    owner = board.options.workload[board.routed]
    total += np.bincount(owner, prices[problem.span(FLOW)], minlength=services)[:services]
    cost: Floats = np.maximum(0.0, total)
    return cost


def nearly(decision: Decision) -> tuple[NearlyLine, ...]:
    """The pools not in use that would pay first if they cost less.

    At a price less by up to its reduced cost and the least one of its units by node, the pool's
    prices can be balanced so that the plan without it stays the best of the relaxation.
    """
    board, problem = decision.board, decision.problem
    options, state = board.options, board.pool_state
    reduced = decision.solution.reduced_costs
    by_node = reduced[problem.span(UNITS)] / np.maximum(options.nodes_per_unit, 1e-9)
    least = np.full(len(board.pools.names), np.inf)
    np.minimum.at(least, options.pool, by_node)
    less = reduced[problem.span(NODES)] + least
    near = _may_come(decision) & (less > LEAST_USD) & (less < state.usd_per_node_hour)
    found = sorted(
        (float(less[pool]), board.pools.names[pool], pool) for pool in np.flatnonzero(near)
    )
    return tuple(
        NearlyLine(
            pool=PoolName(name),
            usd_per_node_hour=round(float(state.usd_per_node_hour[pool]), 6),
            less_usd_per_node_hour=round(usd, 6),
            workload=WorkloadName(_first(decision, int(pool), by_node)),
        )
        for usd, name, pool in found[:MOST]
    )


def _first(decision: Decision, pool: int, by_node: Floats) -> str:
    """The workload whose unit would pay first on the pool."""
    board = decision.board
    rows = np.flatnonzero(board.options.pool == pool)
    best = int(rows[np.argmin(by_node[rows])])
    return board.workloads.names[int(board.options.workload[best])]


def _may_come(decision: Decision) -> Bools:
    """Pools that the plan leaves empty although they could have nodes and work."""
    board = decision.board
    has_work = np.zeros(len(board.pools.names), dtype=bool)
    open_ = board.blocks[UNITS].upper > 0.0
    has_work[board.options.pool[open_]] = True
    may: Bools = (decision.nodes < 0.5) & (board.blocks[NODES].upper >= 1.0) & has_work
    return may
