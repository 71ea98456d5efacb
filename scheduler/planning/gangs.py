"""Gangs: started at once, moved by stopping first, and never ordered to run twice."""

from dataclasses import dataclass

from scheduler.domain.actions import Resume, Suspend
from scheduler.domain.names import ActionKey, PoolName, WorkloadName
from scheduler.planning.standing import Option, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Gangs:
    """The orders of one tick for training jobs."""

    suspends: tuple[Suspend, ...]
    resumes: tuple[Resume, ...]
    left: tuple[tuple[Option, int], ...]
    """Each option with the workers that it is to have."""


def gangs(standing: Standing) -> Gangs:
    """Stop what the plan runs elsewhere or nowhere; start what does not run yet."""
    suspends: list[Suspend] = []
    resumes: list[Resume] = []
    left: list[tuple[Option, int]] = []
    for options in standing.jobs.values():
        stops = _misplaced(options) and _may_stop(options, standing)
        if stops:
            suspends.extend(_suspend(o, standing) for o in options if o.wanted)
        elif not _misplaced(options) and _may_start(options):
            resumes.extend(_resume(o) for o in options if o.after and not o.wanted)
        left.extend((option, 0 if stops else option.wanted) for option in options)
    return Gangs(suspends=tuple(suspends), resumes=tuple(resumes), left=tuple(left))


def _misplaced(options: tuple[Option, ...]) -> bool:
    """Some workers are ordered where, or in a number that, the plan does not want."""
    return any(option.wanted not in (0, option.after) for option in options)


def _may_stop(options: tuple[Option, ...], standing: Standing) -> bool:
    """A gang that moves keeps running until the nodes it moves to are ready.

    One that the plan runs nowhere stops now, and so does one that waits and loses nothing.
    While a part of it sits at a site that is not seen, the gang is left as it is.
    """
    if any(option.frozen and option.wanted for option in options):
        return False
    if not any(option.ready for option in options):
        return True
    return all(_has_room(option.pool, standing) for option in options if option.after)


def _has_room(pool: PoolName, standing: Standing) -> bool:
    state = standing.pools.get(pool)
    return state is not None and state.ready >= state.line.after


def _may_start(options: tuple[Option, ...]) -> bool:
    """All of the gang can be ordered, and no worker of an earlier order still runs."""
    whole = all(option.wanted or not option.frozen for option in options if option.after)
    return whole and not any(option.ready and not option.wanted for option in options)


def _suspend(option: Option, standing: Standing) -> Suspend:
    return Suspend(
        key=ActionKey(f"suspend/{option.workload}/{option.pool}"),
        cluster=option.cluster,
        pool=option.pool,
        why=_why_stop(option, standing),
        workload=option.workload,
        pods=option.wanted,
    )


def _why_stop(option: Option, standing: Standing) -> str:
    name: WorkloadName = option.workload
    job = standing.snapshot.fleet.jobs.get(name)
    if job is not None and job.suspended:
        return "the job is set to suspended"
    for line in standing.plan.missing:
        if line.workload == name:
            return line.because
    return option.because


def _resume(option: Option) -> Resume:
    return Resume(
        key=ActionKey(f"resume/{option.workload}/{option.pool}/{option.after}"),
        cluster=option.cluster,
        pool=option.pool,
        why=option.because,
        workload=option.workload,
        pods=option.after,
    )
