"""Writing a decision as a plan: lines, reasons, bill, proof."""

from scheduler.domain.plan import Adoption, BillLine, Plan, Proof, Ruling
from scheduler.planning.binding import binding_lines
from scheduler.planning.blame import Blame
from scheduler.planning.decision import Decision
from scheduler.planning.missing import missing_lines
from scheduler.planning.notes import notes
from scheduler.planning.outcome import Outcome, tidy
from scheduler.planning.place_lines import pool_lines
from scheduler.planning.strays import first_stray
from scheduler.planning.work_lines import burst_lines, placement_lines, service_lines
from scheduler.planning.worth import nearly
from scheduler.solve.adoption import adoption


def write(decision: Decision) -> Plan:
    """The plan of a decision."""
    outcome, blame = Outcome(decision=decision), Blame(decision=decision)
    placements, adopted = placement_lines(outcome), _adoption(decision)
    return Plan(
        pools=pool_lines(outcome),
        placements=placements,
        services=service_lines(outcome),
        missing=missing_lines(decision, blame),
        bursts=burst_lines(outcome, blame, placements),
        bill=_bill(decision),
        binding=binding_lines(decision),
        notes=notes(decision),
        nearly=nearly(decision),
        adoption=adopted,
        proof=Proof(
            solver=decision.solution.solver,
            objective=tidy(decision.solution.objective),
            bound=tidy(decision.solution.bound),
            kept=decision.solution.kept if adopted is None else adopted.ruling is Ruling.KEPT,
        ),
    )


def _adoption(decision: Decision) -> Adoption | None:
    """Nothing where nothing was weighed: an empty fleet, or a plan of the traffic alone."""
    solution = decision.solution
    if not decision.problem.columns or (solution.kept and solution.running is None):
        return None
    return adoption(decision.problem, decision.board, solution, first_stray(decision))


def _bill(decision: Decision) -> tuple[BillLine, ...]:
    """Each policy's cost at the solution; they add up to the objective."""
    return tuple(
        BillLine(policy=name, usd_per_hour=tidy(float(cost @ decision.solution.x) + constant))
        for name, (cost, constant) in sorted(decision.problem.bills.items())
    )
