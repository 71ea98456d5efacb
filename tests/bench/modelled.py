"""Problems of the product's own model without a fleet: blocks and hard rules, stacked, solved."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
from scipy.sparse import csr_array

from scheduler.domain.names import PolicyName
from scheduler.domain.settings import SolverSettings
from scheduler.model.affine import Affine
from scheduler.model.policy import HARD, Contribution
from scheduler.model.problem import Problem, RowFamily
from scheduler.solve.answer import Solution, cost, is_feasible
from scheduler.solve.highs import complete, solve_exactly

EXACT = SolverSettings(gap=0.0, node_limit=100_000, time_limit_s=60.0)
"""To the end: proven best, or the time is up and the gap says so."""


class NoAnswerError(Exception):
    """The solver has no answer that our own check believes."""


def modelled(part: Contribution, owner: PolicyName) -> Problem:
    """The least cost under the rules, all of which must be hard."""
    assert all(rule.strictness == HARD for rule in part.rules)
    sizes = [block.size for block in part.blocks]
    start = dict(zip([b.name for b in part.blocks], accumulate(sizes, initial=0), strict=False))
    values = [rule.value for rule in part.rules]
    price = _matrix([part.usd_per_hour], start, sum(sizes)).toarray().sum(axis=0)
    constants = np.concatenate([value.constant for value in values])
    base = float(part.usd_per_hour.constant.sum())
    return Problem(
        blocks=part.blocks,
        cost=price,
        constant=base,
        urgent=np.zeros(sum(sizes)),
        lower=np.concatenate([block.lower for block in part.blocks]),
        upper=np.concatenate([block.upper for block in part.blocks]),
        integer=np.concatenate([np.full(block.size, block.integer) for block in part.blocks]),
        matrix=_matrix(values, start, sum(sizes)),
        row_lower=np.concatenate([rule.lower for rule in part.rules]) - constants,
        row_upper=np.concatenate([rule.upper for rule in part.rules]) - constants,
        families=tuple(_families(part, owner)),
        bills={owner: (price, base)},
    )


def solved(problem: Problem, settings: SolverSettings = EXACT) -> Solution:
    """The checked answer. Raises NoAnswerError where there is none."""
    answer = solve_exactly(problem, settings)
    x = answer.x
    if x is not None and not is_feasible(problem, x):
        x = complete(problem, x, settings.time_limit_s)
    if x is None or not is_feasible(problem, x):
        raise NoAnswerError("no feasible answer" if not answer.infeasible else "proven infeasible")
    return Solution(
        x=x,
        objective=cost(problem, x),
        bound=min(answer.bound, cost(problem, x)),
        solver="highs",
        kept=False,
        row_duals=np.zeros(len(problem.row_lower)),
        reduced_costs=np.zeros(problem.columns),
    )


def _families(part: Contribution, owner: PolicyName) -> list[RowFamily]:
    ends = list(accumulate(rule.value.rows for rule in part.rules))
    return [
        RowFamily(
            policy=owner, name=rule.name, start=end - rule.value.rows, stop=end, words=rule.words
        )
        for rule, end in zip(part.rules, ends, strict=True)
    ]


def _matrix(values: Sequence[Affine], start: Mapping[str, int], columns: int) -> csr_array:
    """The rows of all expressions, one below the other."""
    at = list(accumulate((value.rows for value in values), initial=0))
    terms = [
        (entries.rows + top, entries.columns + start[name], entries.factors)
        for value, top in zip(values, at, strict=False)
        for name, entries in value.terms.items()
    ]
    rows, found, factors = (
        np.concatenate(parts) for parts in (zip(*terms, strict=True) if terms else [[[]]] * 3)
    )
    index = (rows.astype(int), found.astype(int))
    return csr_array((factors, index), shape=(at[-1], columns))
