"""Strays: what runs where it may not be, in words: it goes whatever it costs."""

from collections.abc import Iterator

import numpy as np

from scheduler.planning.decision import Decision


def first_stray(decision: Decision) -> str:
    """The first of them by name; empty if there is none at a site that is seen."""
    return next(_strays(decision), "")


def _strays(decision: Decision) -> Iterator[str]:
    board = decision.board
    snapshot, options = board.snapshot, board.options
    works = {name: i for i, name in enumerate(board.workloads.names)}
    pools = {name: i for i, name in enumerate(board.pools.names)}
    allowed = np.zeros((len(works), len(pools)), dtype=bool)
    allowed[options.workload, options.pool] = True
    reports = (report for name, report in snapshot.sites.items() if name not in snapshot.unseen)
    there = {(x.workload, x.pool) for report in reports for x in report.placements if x.wanted}
    for workload, pool in sorted(there):
        if workload not in works:
            yield f"{workload} is no longer declared"
        elif pool in pools and not allowed[works[workload], pools[pool]]:
            yield _why_not(decision, workload, pool)


def _why_not(decision: Decision, workload: str, pool: str) -> str:
    for forbids in decision.forbids:
        board = forbids.board
        options = board.options
        row, column = board.workloads.names.index(workload), board.pools.names.index(pool)
        here = (options.workload == row) & (options.pool == column)
        for option in np.nonzero(here & forbids.forbidden.mask)[0].tolist():
            return f"{workload} may not be on {pool}: {forbids.forbidden.words(option)}"
    return f"{workload} does not fit the nodes of {pool}"
