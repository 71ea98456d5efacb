"""Small markets: workloads that may run on some pools, nodes in whole numbers, work that waits."""

import numpy as np

from scheduler.domain.names import PolicyName
from scheduler.model.affine import Block, Floats, Ints
from scheduler.model.policy import at_least, at_most
from scheduler.model.problem import Problem, by_unknown, stack

MARKET = PolicyName("market")
LATE_USD = 40.0


def a_market(workloads: int = 30, pools: int = 6, seed: int = 1, *, whole: bool = False) -> Problem:
    """Drawn from the seed; with `whole` the units are whole replicas, too."""
    draw = np.random.default_rng(seed)
    workload, pool = np.nonzero(draw.random((workloads, pools)) < 0.7)
    demand = draw.lognormal(1.0, 1.0, workloads)
    speed = draw.uniform(0.5, 4.0, pools)[pool] * draw.lognormal(0.0, 0.3, len(pool))
    size = draw.choice([1.0, 4.0, 8.0], pools)
    most = np.ceil(demand.sum() / pools / size * draw.uniform(0.3, 1.5, pools))
    return market(
        workload,
        pool,
        speed=speed,
        demand=demand,
        node_usd=size * draw.uniform(0.5, 3.0, pools),
        size=size,
        most=most,
        whole=whole,
    )


def market(
    workload: Ints,
    pool: Ints,
    *,
    speed: Floats,
    demand: Floats,
    node_usd: Floats,
    size: Floats,
    most: Floats,
    whole: bool = False,
) -> Problem:
    """Each pair of workload and pool is an option of one GPU or more; what is missing is dear."""
    pairs = len(pool)
    nodes = Block(name="nodes", lower=np.zeros(len(size)), upper=most, integer=True)
    units = Block(name="units", lower=np.zeros(pairs), upper=np.full(pairs, 1e4), integer=whole)
    missing = Block(name="missing", lower=np.zeros(len(demand)), upper=demand)
    blocks = (nodes, units, missing)
    served = (units.value * speed).sum_by(workload, len(demand)) + missing.value
    used = units.value.sum_by(pool, len(size)) - nodes.value * size
    rules = (
        at_least("demand", served, demand, words=lambda i: f"{i} is served"),
        at_most("room", used, np.zeros(len(size)), words=lambda i: f"{i} holds what fits"),
    )
    usd = nodes.value @ node_usd + missing.value @ np.full(len(demand), LATE_USD)
    bill = by_unknown(usd + units.value @ np.full(pairs, 0.01), blocks)
    named = [(MARKET, rule, rule.value) for rule in rules]
    return stack(blocks, named, {MARKET: bill}, np.zeros(len(bill[0])))
