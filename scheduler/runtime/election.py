"""Election: who of several replicas may act, decided over one lease without any input or output.

The lease is aged from when its version was first seen here, by a clock that only goes forward: the
times in it are never read, so that clocks that are wrong or jump change nothing. A leader counts
from the start of the request that last renewed the lease, which is before the server wrote it, and
others count from when they saw that write, which is after: as long as `renew_s` is less than
`lease_s`, it has stopped before another can begin.
"""

from dataclasses import dataclass, field, replace

from scheduler.domain.lease import Lease

JITTER = 0.25
"""Share of a pause that chance may add, so that replicas do not march in step."""
NEVER_S = float("-inf")
NOBODY = "nobody"
"""Holder of a lease that was just made.

It may have been made where one was deleted under its leader, who has yet to find out: so all wait
until it expires, and who made it is no exception.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a lease lasts, and how hard it is held on to."""

    lease_s: float = 15.0
    renew_s: float = 10.0
    """A leader that has not renewed for so long acts no more."""
    retry_s: float = 2.0

    def __post_init__(self) -> None:
        if not 0.0 < self.retry_s < self.renew_s < self.lease_s:
            raise ValueError("a lease needs 0 < retry_s < renew_s < lease_s")

    @property
    def request_s(self) -> float:
        """The longest that one request may take: two fit into the time that a leader has."""
        return self.renew_s / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing is due before this instant of the monotonic clock."""

    until_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Read the lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Write the lease; refused if it is no longer of that version."""

    lease: Lease


Step = Wait | Look | Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Election:
    """One replica's view of the election. All instants are of one monotonic clock, in seconds."""

    identity: str
    pace: Pace = field(default_factory=Pace)
    seen: Lease | None = None
    """The lease as last read or written; None before."""
    seen_s: float = NEVER_S
    """When this version of it was first seen."""
    sure: bool = False
    """No write has gone wrong since: what was seen may be built upon."""
    held_s: float = NEVER_S
    """When the request began that last made it ours."""
    due_s: float = NEVER_S
    """When the next step is due."""
    term: int = 0
    """How often this replica has begun to lead."""

    def leads(self, now_s: float) -> bool:
        """Whether this replica may decide and begin to act."""
        return now_s < self.held_s + self.pace.renew_s

    def may_write(self, now_s: float, call_s: float) -> bool:
        """Whether a call that takes up to `call_s` would end before another can lead."""
        return self.leads(now_s) and now_s + call_s <= self.held_s + self.pace.lease_s

    def step(self, now_s: float, time: str) -> Step:
        """What to do now; `time` is the wall clock's, RFC 3339, for the reader of the lease."""
        if now_s < self.due_s:
            return Wait(until_s=self.due_s)
        if self.seen is not None and self.sure and self._claimable_s(self.seen) <= now_s:
            return Write(lease=self._claim(self.seen, time))
        return Look()

    def looked(self, lease: Lease | None, now_s: float, jitter: float) -> "Election":
        """The lease was read; None: there is none. `jitter` is by chance in 0..1."""
        found = lease or Lease()
        changed = self.seen is None or found.version != self.seen.version
        ours = found.holder == self.identity
        after = replace(
            self,
            seen=found,
            seen_s=now_s if changed else self.seen_s,
            sure=True,
            # Somebody else holds it: whatever we believed, we lead no more.
            held_s=self.held_s if ours else NEVER_S,
        )
        soon_s = now_s + self._pause_s(jitter)
        free_s = after._claimable_s(found)
        if free_s > now_s:
            free_s += self.pace.retry_s * JITTER * jitter
        return replace(after, due_s=min(soon_s, max(now_s, free_s)))

    def wrote(self, lease: Lease, started_s: float, now_s: float) -> "Election":
        """The write that began at `started_s` was taken; `lease` is what the server has now."""
        ours = lease.holder == self.identity
        after = replace(
            self,
            seen=lease,
            seen_s=now_s,
            sure=True,
            held_s=started_s if ours else NEVER_S,
            due_s=started_s + self.pace.retry_s,
        )
        begins = after.leads(now_s) and not self.leads(now_s)
        return replace(after, term=self.term + 1) if begins else after

    def failed(self, now_s: float, jitter: float) -> "Election":
        """A request failed, whatever it was: it may have arrived or not, so look again.

        At once after the first failure, for a leader that was refused should know by whom.
        """
        return replace(
            self, sure=False, due_s=now_s + (0.0 if self.sure else self._pause_s(jitter))
        )

    def resigned(self, now_s: float) -> "Election":
        """Leads no more, at once; what the lease says is looked at anew."""
        return replace(self, sure=False, held_s=NEVER_S, due_s=now_s)

    def release(self, time: str) -> Lease | None:
        """The lease to write so that another need not wait; None if there is nothing to give up."""
        if self.seen is None or not self.sure or self.seen.holder != self.identity:
            return None
        return replace(self.seen, holder="", lease_s=1.0, renewed=time)

    def _claimable_s(self, lease: Lease) -> float:
        """From when on it may be ours: at once if nobody else has it, else when it has expired."""
        if lease.holder in ("", self.identity):
            return NEVER_S
        return self.seen_s + max(lease.lease_s, self.pace.lease_s)

    def _claim(self, lease: Lease, time: str) -> Lease:
        if not lease.version:
            return Lease(holder=NOBODY, lease_s=self.pace.lease_s, acquired=time, renewed=time)
        ours = lease.holder == self.identity
        return Lease(
            holder=self.identity,
            lease_s=self.pace.lease_s,
            transitions=lease.transitions + (not ours and lease.holder != NOBODY),
            acquired=lease.acquired if ours else time,
            renewed=time,
            version=lease.version,
        )

    def _pause_s(self, jitter: float) -> float:
        return self.pace.retry_s * (1.0 + JITTER * jitter)
