"""The problem: board and contributions assembled into one matrix, one cost vector and bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from scheduler.domain.names import PolicyName
from scheduler.model.affine import Affine, Block, Bools, Floats, Ints
from scheduler.model.board import MISSING, NODES, OWN, UNITS, Board
from scheduler.model.physics import UNMET, physics
from scheduler.model.policy import (
    Contribution,
    Forbidden,
    Forbidding,
    Hard,
    Policy,
    Priced,
    Rules,
)

CHECK = 1e-6
"""Rows may be off by this much, relative to the size of their limit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowFamily:
    """Rows start..stop of the matrix: one rule of one policy."""

    policy: PolicyName
    name: str
    start: int
    stop: int
    words: Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChangePrice:
    """What one policy charges for changes, as a part of its bill."""

    usd_per_hour: Floats
    """By unknown."""
    horizon_hours: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """min cost @ x + constant, lower <= x <= upper, row_lower <= matrix @ x <= row_upper.

    Tier 0 (`urgent @ x`) is settled first and held while the cost is minimised.
    """

    blocks: tuple[Block, ...]
    cost: Floats
    constant: float
    urgent: Floats
    lower: Floats
    upper: Floats
    integer: Bools
    matrix: csr_array
    row_lower: Floats
    row_upper: Floats
    families: tuple[RowFamily, ...]
    bills: Mapping[PolicyName, tuple[Floats, float]]
    """Cost vector and constant of each policy: they add up to `cost` and `constant`."""
    changes: tuple[ChangePrice, ...] = ()
    """What is paid once for the way from what runs, spread over the hours that it should last."""

    @property
    def columns(self) -> int:
        """How many unknowns."""
        return len(self.cost)

    def span(self, block: str) -> slice:
        """Where a block's unknowns stand."""
        at = 0
        for item in self.blocks:
            if item.name == block:
                return slice(at, at + item.size)
            at += item.size
        raise KeyError(block)

    def column_label(self, column: int) -> str:
        """`block[label]` of one unknown."""
        for item in self.blocks:
            if column < item.size:
                return f"{item.name}[{item.label(column)}]"
            column -= item.size
        raise IndexError(column)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exclusion:
    """An option that a policy took off the board."""

    workload: str
    pool: str
    policy: PolicyName
    words: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forbids:
    """Options taken off the board by one policy."""

    policy: PolicyName
    forbidden: Forbidden
    board: Board
    """The board before anything was taken off."""

    def exclusions(self) -> list[Exclusion]:
        """One a forbidden option, in words."""
        names, pools = self.board.workloads.names, self.board.pools.names
        options = self.board.options
        return [
            Exclusion(
                workload=names[int(options.workload[i])],
                pool=pools[int(options.pool[i])],
                policy=self.policy,
                words=self.forbidden.words(int(i)),
            )
            for i in np.nonzero(self.forbidden.mask)[0]
        ]


def restrict(board: Board, policies: Sequence[Policy]) -> tuple[Board, tuple[Forbids, ...]]:
    """The board without what any policy forbids. Work at an unseen site stays on the board."""
    out = np.zeros(board.options.count, dtype=bool)
    stuck = board.pool_state.frozen[board.options.pool] & (board.options.units_now > 0.0)
    found = []
    for policy in _in_order(policies):
        if isinstance(policy, Forbidding):
            forbidden = policy.forbid(board)
            found.append(Forbids(policy=policy.name, forbidden=forbidden, board=board))
            out |= forbidden.mask & ~stuck
    return (board.without(out) if out.any() else board), tuple(found)


def assemble(board: Board, policies: Sequence[Policy]) -> Problem:
    """One problem of the board's physics and all policies, whatever their order."""
    parts = [(UNMET, physics(board))]
    parts += [(policy.name, policy.contribute(board)) for policy in _in_order(policies)]
    blocks = [board.blocks[name] for name in OWN]
    rules: list[tuple[PolicyName, Rules, Affine]] = []
    slack_costs: list[tuple[PolicyName, Block, float]] = []
    for _, part in parts:
        blocks += part.blocks
    now = _now(board, blocks)
    for name, part in parts:
        for rule in part.rules:
            value, slack, price = _soften(name, rule, now)
            if slack is not None:
                blocks.append(slack)
                slack_costs.append((name, slack, price))
            rules.append((name, rule, value))
    bills = _bills(parts, slack_costs, blocks)
    problem = stack(tuple(blocks), rules, bills, _urgent(board, blocks))
    return replace(problem, changes=tuple(_changes(parts, blocks)))


def _in_order(policies: Sequence[Policy]) -> list[Policy]:
    return sorted(policies, key=lambda policy: policy.name)


def _now(board: Board, blocks: Sequence[Block]) -> Mapping[str, Floats]:
    """Today's values of the board's unknowns; a policy's own unknowns count as 0."""
    today = {block.name: np.zeros(block.size) for block in blocks}
    today[NODES] = board.pool_state.nodes_now
    today[UNITS] = board.options.units_now
    return today


def _soften(
    policy: PolicyName, rule: Rules, now: Mapping[str, Floats]
) -> tuple[Affine, Block | None, float]:
    """Adds the slack that the rule's strictness allows: an unknown for each side of each row."""
    if isinstance(rule.strictness, Hard):
        return rule.value, None, 0.0
    below, above = np.isfinite(rule.lower).nonzero()[0], np.isfinite(rule.upper).nonzero()[0]
    rows = np.concatenate([below, above])
    slack = Block(
        name=f"{policy}/{rule.name}",
        lower=np.zeros(len(rows)),
        upper=_most_slack(rule, below, above, now),
        label=str,
    )
    sign = np.repeat([1.0, -1.0], [len(below), len(above)])
    widened = rule.value + (slack.value * sign).sum_by(rows, rule.value.rows)
    return widened, slack, rule.strictness.usd_per_hour


def _most_slack(rule: Rules, below: Ints, above: Ints, now: Mapping[str, Floats]) -> Floats:
    """Any for a priced rule; for one to be mended no more than it is broken today."""
    if isinstance(rule.strictness, Priced):
        return np.full(len(below) + len(above), np.inf)
    value = rule.value.at(now)
    lack = np.concatenate([rule.lower[below] - value[below], value[above] - rule.upper[above]])
    most: Floats = np.maximum(0.0, lack)
    return most


def _bills(
    parts: Sequence[tuple[PolicyName, Contribution]],
    slacks: Sequence[tuple[PolicyName, Block, float]],
    blocks: Sequence[Block],
) -> dict[PolicyName, tuple[Floats, float]]:
    offsets = _offsets(blocks)
    bills = {}
    for name, part in parts:
        vector, constant = by_unknown(part.usd_per_hour, blocks)
        for owner, slack, price in slacks:
            if owner == name:
                vector[offsets[slack.name]] += price
        bills[name] = (vector, constant)
    return bills


def by_unknown(usd_per_hour: Affine, blocks: Sequence[Block]) -> tuple[Floats, float]:
    """What one unit of each unknown costs, and the constant: all rows added up."""
    offsets = _offsets(blocks)
    vector = np.zeros(offsets[blocks[-1].name].stop)
    for name, entries in usd_per_hour.terms.items():
        span = offsets[name]
        vector[span] += np.bincount(
            entries.columns, entries.factors, minlength=span.stop - span.start
        )
    return vector, float(usd_per_hour.constant.sum())


def _changes(
    parts: Sequence[tuple[PolicyName, Contribution]], blocks: Sequence[Block]
) -> Iterator[ChangePrice]:
    for _, part in parts:
        if part.change is not None:
            vector, _ = by_unknown(part.change.usd_per_hour, blocks)
            yield ChangePrice(usd_per_hour=vector, horizon_hours=part.change.horizon_hours)


def _offsets(blocks: Sequence[Block]) -> dict[str, slice]:
    edges = np.concatenate([[0], np.cumsum([block.size for block in blocks])])
    return {
        block.name: slice(int(a), int(b))
        for block, (a, b) in zip(blocks, pairwise(edges), strict=True)
    }


def stack(
    blocks: tuple[Block, ...],
    rules: Sequence[tuple[PolicyName, Rules, Affine]],
    bills: Mapping[PolicyName, tuple[Floats, float]],
    urgent: Floats,
) -> Problem:
    """Blocks side by side, rules one below the other, each with its policy and the value limited.

    The value is the rule's own, or that with its slack.
    """
    families, at = [], 0
    for policy, rule, value in rules:
        families.append(
            RowFamily(
                policy=policy, name=rule.name, start=at, stop=at + value.rows, words=rule.words
            )
        )
        at += value.rows
    constants = np.concatenate([value.constant for _, _, value in rules])
    return Problem(
        blocks=blocks,
        cost=np.sum([vector for vector, _ in bills.values()], axis=0),
        constant=sum(constant for _, constant in bills.values()),
        urgent=urgent,
        lower=np.concatenate([block.lower for block in blocks]),
        upper=np.concatenate([block.upper for block in blocks]),
        integer=np.concatenate([np.full(block.size, block.integer) for block in blocks]),
        matrix=_matrix([value for _, _, value in rules], blocks),
        row_lower=np.concatenate([rule.lower for _, rule, _ in rules]) - constants,
        row_upper=np.concatenate([rule.upper for _, rule, _ in rules]) - constants,
        families=tuple(families),
        bills=bills,
    )


def _matrix(values: Sequence[Affine], blocks: Sequence[Block]) -> csr_array:
    """One sparse matrix from the coordinates of every term."""
    offsets = _offsets(blocks)
    tops = np.concatenate([[0], np.cumsum([value.rows for value in values])])
    # In the order of the columns: rows need no sorting then.
    terms = [
        (int(top), offsets[name].start, value.terms[name])
        for top, value in zip(tops, values, strict=False)
        for name in sorted(value.terms, key=lambda name: offsets[name].start)
    ]
    shape = (int(tops[-1]), offsets[blocks[-1].name].stop)
    ends = np.concatenate([[0], np.cumsum([len(entries.rows) for *_, entries in terms])])
    # Written in place and small: a million options are mostly memory that is touched.
    index = np.int32 if max(*shape, int(ends[-1])) < 2**31 else np.int64
    rows, columns = (np.empty(int(ends[-1]), dtype=index) for _ in range(2))
    data = np.empty(int(ends[-1]))
    for (top, left, entries), (start, stop) in zip(terms, pairwise(ends), strict=True):
        span = slice(int(start), int(stop))
        np.add(entries.rows, top, out=rows[span], casting="unsafe")
        np.add(entries.columns, left, out=columns[span], casting="unsafe")
        data[span] = entries.factors
    return csr_array((data, (rows, columns)), shape=shape)


def _urgent(board: Board, blocks: Sequence[Block]) -> Floats:
    """Tier 0: the share of each urgent workload that is missing."""
    offsets = _offsets(blocks)
    cost = np.zeros(offsets[blocks[-1].name].stop)
    state = board.workload_state
    share = np.where(state.urgent & (state.wanted > 0.0), 1.0 / np.maximum(state.wanted, 1e-9), 0)
    cost[offsets[MISSING]] = share
    return cost
