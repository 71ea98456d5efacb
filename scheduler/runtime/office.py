"""The office: holds the lease beside the loop, and says at any instant whether we may act."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from os import environ, uname
from random import random
from secrets import token_hex
from typing import Protocol, assert_never

from scheduler.domain.lease import Lease
from scheduler.runtime.election import Election, Look, Pace, Wait, Write
from scheduler.runtime.logs import Logger

log = Logger("tidegate.election")


class Ballot(Protocol):
    """Where the lease lies. Whatever these raise counts as a request that failed."""

    async def read(self) -> Lease | None:
        """The lease; None where there is none."""
        ...

    async def write(self, lease: Lease) -> Lease:
        """The lease as it is after the write; raises if it was of another version."""
        ...


class Office(Protocol):
    """Who may act."""

    @property
    def identity(self) -> str:
        """Our own name in it."""
        ...

    @property
    def holder(self) -> str:
        """Who is known to lead; empty where nobody is."""
        ...

    @property
    def term(self) -> int:
        """Another number for each time that we begin to lead."""
        ...

    @property
    def transitions(self) -> int:
        """How often the leader has changed, as far as is known here."""
        ...

    def leads(self) -> bool:
        """Whether we may act now."""
        ...

    def resign(self, why: str) -> None:
        """Lead no more, for somebody else seems to."""
        ...

    async def hold(self, changed: Callable[[], None]) -> None:
        """Stand for election until cancelled; `changed` is called when we begin or end to lead."""
        ...

    async def release(self) -> None:
        """Give the office up, so that nobody needs to wait. For when `hold` has ended."""
        ...


class Alone:
    """The office of a daemon that is the only one: it always leads."""

    identity = ""
    holder = ""
    term = 0
    transitions = 0

    def leads(self) -> bool:
        """Always."""
        return True

    def resign(self, why: str) -> None:
        """There is nobody to leave it to."""

    async def hold(self, changed: Callable[[], None]) -> None:
        """Nothing to do."""

    async def release(self) -> None:
        """Nothing to give up."""


class Elected:
    """The office of one of several replicas, by a lease that they share."""

    def __init__(
        self,
        ballot: Ballot,
        identity: str,
        *,
        pace: Pace | None = None,
        monotonic: Callable[[], float],
        chance: Callable[[], float] = random,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ballot, self._monotonic = ballot, monotonic
        self._chance, self._wall = chance, wall
        self._state = Election(identity=identity, pace=pace or Pace())
        self._woken = asyncio.Event()
        self._led = False

    @property
    def identity(self) -> str:
        """Pod and uid, or host and chance."""
        return self._state.identity

    @property
    def holder(self) -> str:
        """As the lease was last seen."""
        return self._state.seen.holder if self._state.seen else ""

    @property
    def term(self) -> int:
        """How often this replica has begun to lead."""
        return self._state.term

    @property
    def transitions(self) -> int:
        """As the lease was last seen."""
        return self._state.seen.transitions if self._state.seen else 0

    def leads(self) -> bool:
        """By the clock alone: true at no instant at which another may lead."""
        return self._state.leads(self._monotonic())

    def may_write(self, call_s: float) -> bool:
        """Whether a call that takes up to `call_s` would end before another can lead."""
        return self._state.may_write(self._monotonic(), call_s)

    def resign(self, why: str) -> None:
        """Lead no more from now on; the lease is looked at anew."""
        log.warning("leader.resigned", why=why, identity=self.identity)
        self._state = self._state.resigned(self._monotonic())
        self._woken.set()

    async def hold(self, changed: Callable[[], None]) -> None:
        """Look, claim and renew until cancelled. No failure ends it."""
        while True:
            self._tell(changed)
            match self._state.step(self._monotonic(), self._stamp()):
                case Wait(until_s=until_s):
                    await self._until(until_s)
                case Look():
                    await self._look()
                case Write(lease=lease):
                    await self._write(lease)
                case step:
                    assert_never(step)

    async def release(self) -> None:
        """Leads no more from here on, whether the server hears it or not."""
        state = self._state
        lease = state.release(self._stamp()) if self.leads() else None
        self._state = state.resigned(self._monotonic())
        if lease is None:
            return
        try:
            async with asyncio.timeout(state.pace.request_s):
                await self._ballot.write(lease)
            log.info("leader.released", identity=self.identity)
        except Exception as error:  # noqa: BLE001 - the outer edge: it expires by itself
            log.warning("leader.unreleased", why=_words(error))

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(self._state.pace.request_s):
                lease = await self._ballot.read()
        except Exception as error:  # noqa: BLE001 - every failure is a look that failed
            self._failed("read", error)
        else:
            self._state = self._state.looked(lease, self._monotonic(), self._chance())

    async def _write(self, lease: Lease) -> None:
        started_s, before = self._monotonic(), self._state
        try:
            async with asyncio.timeout(before.pace.request_s):
                kept = await self._ballot.write(lease)
        except Exception as error:  # noqa: BLE001 - every failure is a renewal that failed
            self._failed("write", error)
            return
        if self._state is before:
            self._state = before.wrote(kept, started_s, self._monotonic())

    def _failed(self, what: str, error: Exception) -> None:
        log.warning("lease.failed", call=what, why=_words(error))
        self._state = self._state.failed(self._monotonic(), self._chance())

    def _tell(self, changed: Callable[[], None]) -> None:
        leads = self.leads()
        if leads == self._led:
            return
        self._led = leads
        word = "leader.began" if leads else "leader.ended"
        log.info(word, identity=self.identity, holder=self.holder, term=self.term)
        changed()

    async def _until(self, until_s: float) -> None:
        self._woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until_s - self._monotonic())):
                await self._woken.wait()

    def _stamp(self) -> str:
        now = datetime.fromtimestamp(self._wall(), UTC)
        return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def identity_of(env: Mapping[str, str] = environ) -> str:
    """Pod name and uid, so that a pod of the same name is another one; elsewhere host and chance.

    The container that is started again in the same pod keeps it, and goes on at once: the one
    before it is dead.
    """
    name, uid = env.get("POD_NAME"), env.get("POD_UID")
    return f"{name or uname().nodename}_{uid or token_hex(8)}"


def steady_clock() -> Callable[[], float]:
    """A clock that only goes forward and counts the time that the machine sleeps."""
    # monotonic() stands still while a machine is suspended, and leases do not.
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boot is None else lambda: time.clock_gettime(boot)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
