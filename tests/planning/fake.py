"""A tiny pure world that obeys actions: nodes boot, pods start, drained nodes empty themselves."""

from dataclasses import dataclass, field

from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Place,
    Release,
    Resume,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.fleet import Fleet
from scheduler.domain.names import Instant, NodeName, PoolName, WorkloadName
from scheduler.domain.snapshot import Memory, Node, NodePhase, Placement, Snapshot
from tests.planning.worlds import NOW, SLOTS, a_snapshot

At = tuple[WorkloadName, PoolName]


@dataclass
class Machine:
    """A node and the pods on it. A pod takes a slot for each of its GPUs."""

    pool: PoolName
    phase: NodePhase
    since: float
    steps: int = 0
    """Steps until it is ready."""
    doomed: bool = False
    pods: list[WorkloadName] = field(default_factory=list)


@dataclass
class FakeWorld:
    fleet: Fleet
    machines: dict[NodeName, Machine] = field(default_factory=dict)
    wanted: dict[At, int] = field(default_factory=dict)
    share: dict[At, float] = field(default_factory=dict)
    booting_steps: int = 2
    made: int = 0
    now: float = NOW
    budgets: bool = True
    """A pod leaves a draining node when there is a place for it; else it goes at once."""

    def snapshot(self, memory: Memory | None = None) -> Snapshot:
        machines = [
            Node(
                name=name,
                pool=machine.pool,
                phase=machine.phase,
                since=Instant(machine.since),
                pods=len(machine.pods),
                gpus_used=self._used(machine),
                workers=sum(pod in self.fleet.jobs for pod in machine.pods),
                doomed=machine.doomed,
            )
            for name, machine in self.machines.items()
        ]
        placements = [
            Placement(
                workload=at[0],
                pool=at[1],
                wanted=self.wanted.get(at, 0),
                ready=self.running(at),
                pending=self._pending(at),
                share=self.share.get(at, 0.0),
            )
            for at in sorted(self.wanted.keys() | self._occupied())
        ]
        return a_snapshot(self.fleet, [*machines, *placements], now=self.now, memory=memory)

    def running(self, at: At) -> int:
        return sum(m.pods.count(at[0]) for m in self.machines.values() if m.pool == at[1])

    def do(self, action: Action) -> None:
        match action:
            case Grow():
                self._grow(action)
            case Place() | Shift():
                at = (action.workload, action.pool)
                self.wanted[at], self.share[at] = action.pods, action.share
            case Resume():
                self.wanted[action.workload, action.pool] = action.pods
            case Suspend():
                self.wanted[action.workload, action.pool] = 0
            case Drain() | Vacate():
                for name in action.nodes:
                    self.machines[name].phase = NodePhase.DRAINING
                    if not self.budgets:
                        self.machines[name].pods.clear()
            case Release():
                for name in action.nodes:
                    gone = self.machines.pop(name)
                    assert gone.phase is NodePhase.DRAINING, "released without a drain"
                    assert not gone.pods, "released with pods on it"

    def step(self) -> None:
        """Stop what is not wanted, boot, take notice of doom, empty drained nodes, start pods."""
        self.now += 60.0
        for at in self._occupied():
            for _ in range(self.running(at) - self.wanted.get(at, 0)):
                self._stop_one(at)
        for name, machine in list(self.machines.items()):
            if machine.doomed:
                del self.machines[name]
            elif machine.phase in (NodePhase.BOOTING, NodePhase.UNREADY):
                machine.steps -= 1
                if machine.steps <= 0:
                    machine.phase = NodePhase.READY
            elif machine.phase is NodePhase.DRAINING:
                self._evict(machine)
        for at in sorted(self.wanted, key=lambda at: (at[0] not in self.fleet.jobs, at)):
            self._start(at)

    def _grow(self, action: Grow) -> None:
        mine = [m for m in self.machines.values() if m.pool == action.pool and not m.doomed]
        missing = action.nodes - sum(m.phase is not NodePhase.DRAINING for m in mine)
        for machine in mine:
            if missing > 0 and machine.phase is NodePhase.DRAINING:
                machine.phase = NodePhase.READY
                missing -= 1
        for _ in range(missing):
            self.made += 1
            self.machines[NodeName(f"{action.pool}-made-{self.made}")] = Machine(
                pool=action.pool,
                phase=NodePhase.BOOTING,
                since=self.now,
                steps=self.booting_steps,
            )

    def _occupied(self) -> set[At]:
        return {(pod, m.pool) for m in self.machines.values() for pod in m.pods}

    def _stop_one(self, at: At) -> None:
        hosts = [m for m in self.machines.values() if m.pool == at[1] and at[0] in m.pods]
        min(hosts, key=lambda m: (m.phase is not NodePhase.DRAINING, len(m.pods))).pods.remove(
            at[0]
        )

    def _gpus(self, name: WorkloadName) -> float:
        workload = self.fleet.workload(name)
        return workload.per_pod.gpus if workload else 1.0

    def _used(self, machine: Machine) -> float:
        return sum(map(self._gpus, machine.pods))

    def _hosts(self, at: At, phases: tuple[NodePhase, ...] = (NodePhase.READY,)) -> list[Machine]:
        """One entry for each pod of the workload that a node of such a phase could take."""
        return [
            machine
            for machine in self.machines.values()
            if machine.pool == at[1] and machine.phase in phases and not machine.doomed
            for _ in range(int((SLOTS - self._used(machine)) // self._gpus(at[0])))
        ]

    def _pending(self, at: At) -> int:
        """Pods that neither ready nor coming nodes have room for; of a gang all or none."""
        missing = max(0, self.wanted.get(at, 0) - self.running(at))
        coming = (NodePhase.READY, NodePhase.BOOTING, NodePhase.UNREADY)
        short = max(0, missing - len(self._hosts(at, coming)))
        return missing if short and at[0] in self.fleet.jobs else short

    def _evict(self, machine: Machine) -> None:
        """As a disruption budget has it: a pod leaves when there is a place for it."""
        for pod in tuple(machine.pods):
            for host in self._hosts((pod, machine.pool))[:1]:
                machine.pods.remove(pod)
                host.pods.append(pod)

    def _start(self, at: At) -> None:
        missing, hosts = self.wanted[at] - self.running(at), self._hosts(at)
        if at[0] in self.fleet.jobs and len(hosts) < missing:
            return
        for host in hosts[: max(0, missing)]:
            host.pods.append(at[0])
