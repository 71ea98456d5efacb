"""Act: the allowed actions become orders, phase after phase, and each order gets its receipt."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.base import Adapter, AdapterError
from scheduler.domain.actions import Action, Drain, Place, Receipt, Release, Shift, Vacate
from scheduler.domain.names import ClusterName, WorkloadName
from scheduler.domain.snapshot import SiteReport
from scheduler.runtime.logs import Logger
from scheduler.runtime.orders import PHASES, narrowed, order_of, phase, send

log = Logger("tidegate.act")

STOPPING = "the daemon is stopping"


async def act(
    actions: Sequence[Action],
    adapters: Iterable[Adapter],
    seen: Mapping[ClusterName, SiteReport],
    deadline_s: float,
    stopping: asyncio.Event,
    told: Callable[[Receipt], None] = lambda _: None,
    barred: Callable[[], str] = lambda: "",
) -> tuple[Receipt, ...]:
    """One receipt for each action, in the order of the actions; `told` hears each at once.

    Sites work side by side; within a site one order follows the other. A phase begins when the
    one before it is through everywhere: what adds room, what uses it, what takes work off, vacate,
    drain, release. A site that is unreachable or throttles gets no more orders in this tick. Once
    `stopping` is set, or while `barred` says why, the order in flight is finished and no other is
    sent. The same holds for a cancellation, which is raised again after that.
    """
    acting = _Acting(
        adapters={adapter.cluster: adapter for adapter in adapters},
        seen=seen,
        deadline_s=deadline_s,
        stopping=stopping,
        told=told,
        barred=barred,
    )
    running = asyncio.ensure_future(acting.all_phases(actions))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stopping.set()
        await running
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Acting:
    """The orders of one tick under way."""

    adapters: Mapping[ClusterName, Adapter]
    seen: Mapping[ClusterName, SiteReport]
    deadline_s: float
    stopping: asyncio.Event
    told: Callable[[Receipt], None]
    barred: Callable[[], str]
    silent: dict[ClusterName, str] = field(default_factory=dict)
    """Sites that take no orders now, with what they were."""
    failed: dict[WorkloadName, str] = field(default_factory=dict)
    """Services whose new place was not accepted in this tick, with what happened."""

    async def all_phases(self, actions: Sequence[Action]) -> tuple[Receipt, ...]:
        receipts: dict[int, Receipt] = {}
        for number in range(PHASES):
            sites: dict[ClusterName, list[tuple[int, Action]]] = {}
            for index, action in enumerate(actions):
                if phase(action) == number:
                    sites.setdefault(action.cluster, []).append((index, action))
            for done in await asyncio.gather(*(self._site(batch) for batch in sites.values())):
                receipts |= done
        return tuple(receipts[index] for index in range(len(actions)))

    async def _site(self, batch: Sequence[tuple[int, Action]]) -> dict[int, Receipt]:
        done = {}
        for index, action in batch:
            done[index] = receipt = await self._receipt(action)
            self._note(receipt)
        return done

    async def _receipt(self, action: Action) -> Receipt:
        adapter = self.adapters.get(action.cluster)
        if why := self._no_more() or self._better_not(action):
            return _skipped(action, why)
        if adapter is None:
            why = f"no way into cluster {action.cluster}: declare its access"
            return Receipt(action=action, outcome="refused", detail=why)
        outcome, detail = await self._attempt(adapter, action)
        return Receipt(action=action, outcome=outcome, detail=detail)

    async def _attempt(self, adapter: Adapter, action: Action) -> tuple[str, str]:
        try:
            async with asyncio.timeout(self.deadline_s):
                return await self._carry_out(adapter, action)
        except TimeoutError:
            return "unreachable", f"no answer within {self.deadline_s:g} s"
        except AdapterError as error:
            return error.outcome, str(error)
        except Exception as error:  # noqa: BLE001 - the fan-out: a bug here must not cut other sites' orders
            return "refused", f"{type(error).__name__}: {error}"

    async def _carry_out(self, adapter: Adapter, action: Action) -> tuple[str, str]:
        if not isinstance(action, Vacate | Drain | Release):
            await send(adapter, order_of(action))
            return "accepted", ""
        # The decision is seconds old: a pod may have landed on the node since.
        report = await adapter.observe()
        wanted, left_out = narrowed(action, self.seen.get(action.cluster), report)
        if not wanted.nodes:
            return "skipped", left_out
        if why := self._no_more():
            return "skipped", why
        await send(adapter, order_of(wanted))
        return "accepted", left_out

    def _no_more(self) -> str:
        return STOPPING if self.stopping.is_set() else self.barred()

    def _better_not(self, action: Action) -> str:
        if what := self.silent.get(action.cluster):
            return f"the site was {what} just now: the next tick asks again"
        if isinstance(action, Place | Shift) and phase(action) == 2:
            # Make before break: what a service has stays until its new place is accepted.
            return self.failed.get(action.workload, "")
        return ""

    def _note(self, receipt: Receipt) -> None:
        action, accepted = receipt.action, receipt.outcome == "accepted"
        if isinstance(action, Place | Shift) and phase(action) == 1 and not accepted:
            self.failed[action.workload] = f"its place on {action.pool} was {receipt.outcome}"
        if receipt.outcome in ("unreachable", "throttled"):
            self.silent[action.cluster] = receipt.outcome
        self.told(receipt)
        write = log.info if accepted else log.warning
        write(
            "order.sent" if accepted else "order.failed",
            kind=type(action).__name__.lower(),
            cluster=action.cluster,
            pool=action.pool,
            key=action.key,
            outcome=receipt.outcome,
            detail=receipt.detail,
        )


def _skipped(action: Action, why: str) -> Receipt:
    return Receipt(action=action, outcome="skipped", detail=why)
