"""Writing a decision as a plan: lines, reasons, bill, proof."""

from scheduler.domain.plan import BillLine, Plan, Proof
from scheduler.planning.binding import binding_lines
from scheduler.planning.blame import Blame
from scheduler.planning.decision import Decision
from scheduler.planning.missing import missing_lines
from scheduler.planning.notes import notes
from scheduler.planning.outcome import Outcome, tidy
from scheduler.planning.place_lines import pool_lines
from scheduler.planning.work_lines import burst_lines, placement_lines, service_lines


def write(decision: Decision) -> Plan:
    """The plan of a decision."""
    outcome, blame = Outcome(decision=decision), Blame(decision=decision)
    placements = placement_lines(outcome)
    return Plan(
        pools=pool_lines(outcome),
        placements=placements,
        services=service_lines(outcome),
        missing=missing_lines(decision, blame),
        bursts=burst_lines(outcome, blame, placements),
        bill=_bill(decision),
        binding=binding_lines(decision),
        notes=notes(decision),
        proof=Proof(
            solver=decision.solution.solver,
            objective=tidy(decision.solution.objective),
            bound=tidy(decision.solution.bound),
            kept=decision.solution.kept,
        ),
    )


def _bill(decision: Decision) -> tuple[BillLine, ...]:
    """Each policy's cost at the solution; they add up to the objective."""
    return tuple(
        BillLine(policy=name, usd_per_hour=tidy(float(cost @ decision.solution.x) + constant))
        for name, (cost, constant) in sorted(decision.problem.bills.items())
    )
