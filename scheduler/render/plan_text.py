"""A plan as text: what it does, what it costs, and why; or the same for a machine."""

from collections.abc import Iterator

from scheduler.domain.actions import Guarded
from scheduler.domain.difference import NextBest
from scheduler.domain.plan import Plan
from scheduler.render import plan_actions, plan_places, plan_reasons
from scheduler.render.adoption_text import adoption_text
from scheduler.render.difference_text import next_best_lines
from scheduler.render.figures import ARROW, money, percent, usd_change
from scheduler.render.machine import dump, plan_document, proven_gap
from scheduler.render.marks import Mark, tally
from scheduler.render.paper import Ink, Line, Output, Word, clean, cut, paint, wrap

LEAST_WIDTH = 80
"""Narrower than this, figures would have to be cut."""
WIDE_WIDTH = 140
INDENT = len("Plan  ")
PROVEN_BEST = 1e-9
"""A gap up to here is the arithmetic's, not the plan's."""


def render_plan(
    plan: Plan,
    guarded: Guarded | None,
    *,
    output: Output,
    width: int,
    colour: bool,
    next_best: NextBest | None = None,
) -> str:
    """The plan, and what the guard makes of it, in the form asked for; no final line break.

    `table` folds what does not change and shortens reasons; `wide` shows all, on at least 140
    columns. Text is never set on fewer than 80 columns.
    """
    match output:
        case Output.JSON | Output.YAML:
            document = plan_document(plan, guarded)
            if next_best is not None:
                document = {**document, "next_best": next_best}
            return dump(document, output)
        case Output.TABLE | Output.WIDE:
            wide = output is Output.WIDE
            width = max(width, WIDE_WIDTH if wide else LEAST_WIDTH)
            return paint(_page(plan, guarded, next_best, width, wide=wide), colour=colour)


def _page(
    plan: Plan, guarded: Guarded | None, next_best: NextBest | None, width: int, *, wide: bool
) -> Iterator[Line]:
    yield from _headline(plan, width)
    sections = (
        plan_places.pools(plan, width, wide=wide),
        plan_places.workloads(plan, width, wide=wide),
        plan_reasons.pending(plan, width),
        plan_reasons.bursts(plan, width),
        plan_reasons.bill(plan, width, wide=wide),
        plan_reasons.binding(plan, width),
        plan_reasons.nearly(plan, width) if wide else [],
        next_best_lines(next_best, width) if next_best else [],
        plan_reasons.notes(plan, width),
        plan_actions.taken(plan, guarded, width, wide=wide),
        plan_actions.held(guarded, width),
    )
    for section in sections:
        if section:
            yield ()
            yield from section
    yield ()
    yield _last_line(plan)


def _headline(plan: Plan, width: int) -> Iterator[Line]:
    before, after = plan.usd_per_hour_before, plan.usd_per_hour_after
    change = usd_change(after - before)
    if change == "0.00":
        yield (Word(f"Plan  {money(after)} USD/h, as before", Ink.BOLD),)
    else:
        cost = f"Plan  {money(before)} {ARROW} {money(after)} USD/h"
        yield (
            Word(cost, Ink.BOLD),
            Word(f"  ({change})", Ink.CHANGE if after > before else Ink.ADD),
        )
    yield (Word(f"{'':{INDENT}}{_proof(plan)}", Ink.DIM),)
    if plan.adoption is not None:
        for line in wrap(clean(adoption_text(plan.adoption)), width - INDENT):
            yield (Word(f"{'':{INDENT}}{line}", Ink.DIM),)


def _proof(plan: Plan) -> str:
    gap = proven_gap(plan.proof)
    if gap is None:
        quality = "no bound proven"
    elif gap <= PROVEN_BEST:
        quality = "proven best"
    else:
        quality = f"proven gap {percent(gap)}"
    return f"{quality} (solver {cut(clean(plan.proof.solver), LEAST_WIDTH // 2)})"


def _last_line(plan: Plan) -> Line:
    signs = tally(plan)
    parts = (
        (Mark.ADD, f"{signs[Mark.ADD]} to add"),
        (Mark.CHANGE, f"{signs[Mark.CHANGE]} to change"),
        (Mark.RELEASE, f"{signs[Mark.RELEASE]} to release"),
    )
    words: list[Word] = []
    for mark, text in parts:
        words.append(Word(text, mark.ink if signs[mark] else Ink.PLAIN))
        words.append(Word(", "))
    return tuple(words[:-1])
