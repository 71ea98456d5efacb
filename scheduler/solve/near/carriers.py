"""Carriers: which unit carries which flow, and how much of it at most."""

from dataclasses import dataclass, replace

import numpy as np

from scheduler.model.affine import Bools, Floats, Ints
from scheduler.model.board import FLOW, UNITS
from scheduler.model.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carriers:
    """Rows `flow <= most * unit`: of several for one flow only the tightest says something."""

    row: Ints
    flow: Ints
    """Column."""
    unit: Ints
    """Column."""
    most: Floats
    idle: Bools
    """By row of the problem: such a row, but looser than another one for the same flow."""


def carriers(problem: Problem) -> Carriers:
    """The tightest row of each flow that has one; flows and units start at 0 in all of them."""
    matrix = problem.matrix
    units, flows = problem.span(UNITS), problem.span(FLOW)
    two = (np.diff(matrix.indptr) == 2) & (problem.row_upper == 0.0)
    rows = np.nonzero(two & np.isneginf(problem.row_lower))[0]
    first = matrix.indptr[rows]
    swap = matrix.indices[first] >= flows.start
    flow_at, unit_at = np.where(swap, first, first + 1), np.where(swap, first + 1, first)
    flow, unit = matrix.indices[flow_at], matrix.indices[unit_at]
    plus, minus = matrix.data[flow_at], matrix.data[unit_at]
    good = (flow >= flows.start) & (flow < flows.stop) & (plus > 0.0) & (minus < 0.0)
    good &= (unit >= units.start) & (unit < units.stop)
    good[good] &= (problem.lower[flow[good]] == 0.0) & (problem.lower[unit[good]] >= 0.0)
    row, flow, unit = rows[good], flow[good], unit[good]
    most = -minus[good] / plus[good]
    order = np.lexsort((row, most, flow))
    row, flow, unit, most = row[order], flow[order], unit[order], most[order]
    tightest = np.ones(len(flow), dtype=bool)
    tightest[1:] = flow[1:] != flow[:-1]
    # Looser rows of another unit would be a rule of their own: then nothing is left out.
    same = unit == unit[tightest][np.cumsum(tightest) - 1] if len(flow) else tightest
    idle = np.zeros(len(problem.row_lower), dtype=bool)
    idle[row[~tightest & same]] = True
    lone = np.bincount(unit[tightest], minlength=problem.columns)[unit] == 1
    kept = tightest & lone
    return Carriers(
        row=row[kept].astype(np.int64),
        flow=flow[kept].astype(np.int64),
        unit=unit[kept].astype(np.int64),
        most=most[kept],
        idle=idle,
    )


def without_idle_flows(problem: Problem) -> Problem:
    """The same problem, with flows at 0 where no unit may carry them: so solvers drop them."""
    found = carriers(problem)
    idle = found.flow[problem.upper[found.unit] <= 0.0]
    upper = problem.upper.copy()
    upper[idle] = problem.lower[idle]
    return replace(problem, upper=upper)
