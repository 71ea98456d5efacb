"""The floor of a simulated site: its nodes, what sits on them, and what happens to both in time."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import assert_never

from adapters.packing import Amounts, first_fit, give_back
from adapters.simulated.agenda import (
    Agenda,
    Booted,
    Due,
    Finishes,
    Noticed,
    Saves,
    Started,
    Taken,
    Trains,
)
from adapters.simulated.events import EventWord, SiteEvent
from adapters.simulated.evictions import evictions
from adapters.simulated.ledger import JobLedger
from adapters.simulated.nodes import Pod, PoolNodes, SimNode, fate
from adapters.simulated.weather import Weather
from adapters.simulated.work import Gang, Replicas, Run, gang_speed
from scheduler.domain.names import ClusterName, Instant, PoolName, WorkloadName
from scheduler.domain.places import NodePool
from scheduler.domain.snapshot import JobProgress
from scheduler.domain.workloads import Spread

NOTICE_S = 120.0
"""From the spot notice to the end of the node: the shortest that the large clouds promise."""

_EVENTS_KEPT = 100_000
"""Events that nobody fetches must not fill the memory of a long run."""


class Floor:
    """Nodes, replicas and gangs; time moves only by `advance`.

    Whatever changes the room on a pool marks it as shaken; `settle` then packs what waits there,
    gangs first, and evicts from draining nodes what the budgets of the services allow. It is
    called after every order and every instant at which something was due, so the state at a time
    does not depend on the steps in which time came there.
    """

    def __init__(
        self,
        *,
        cluster: ClusterName,
        pools: Mapping[PoolName, NodePool],
        weather: Weather,
        seed: int,
        start: Instant,
        ledger: JobLedger,
    ) -> None:
        self.cluster = cluster
        self.now = start
        self.nodes = {name: PoolNodes(pool=pool) for name, pool in pools.items()}
        self.replicas: dict[PoolName, dict[WorkloadName, Replicas]] = {name: {} for name in pools}
        self.gangs: dict[WorkloadName, Gang] = {}
        self.events: deque[SiteEvent] = deque(maxlen=_EVENTS_KEPT)
        self._weather, self._seed, self._ledger = weather, seed, ledger
        self._agenda = Agenda()
        self._pods_ever = 0
        self._shaken: set[PoolName] = set()
        self._held_elsewhere: set[PoolName] = set()
        self._leaving: list[SimNode] = []
        for nodes in self.nodes.values():
            for _ in range(nodes.pool.min_nodes):
                self.buy(nodes, booted=True)

    def advance(self, now: Instant) -> None:
        """Let everything happen that is due up to `now`, in the order of time."""
        while (due_at := self._agenda.next_at()) is not None and due_at <= now:
            self.now = due_at
            for due in self._agenda.pop_at(due_at):
                self._happen(due)
            self.settle()
        self.now = max(self.now, now)
        self._shaken |= self._held_elsewhere
        self._held_elsewhere = set()
        self.settle()

    def buy(self, nodes: PoolNodes, *, booted: bool = False) -> None:
        """One more node: booting, or ready at once."""
        node = nodes.add(self.now)
        lot = fate(self._seed, self.cluster, node.name, nodes.pool, self._weather)
        ready_at = self.now if booted else self.now + lot.boot_s
        self._tell(EventWord.NODE_ORDERED, node.name, node.pool)
        if booted:
            node.booted = True
        else:
            self._agenda.put(ready_at, Booted(node=node))
        if lot.life_s < float("inf"):
            self._agenda.put(ready_at + lot.life_s, Noticed(node=node))

    def take_back(self, nodes: PoolNodes, short: int) -> int:
        """Let draining nodes take work again."""
        self._shaken.add(nodes.pool.name)
        return nodes.take_back(short)

    def drain(self, node: SimNode) -> None:
        """Take no new pods, and send the present ones away: gangs write a checkpoint first.

        Replicas leave within the budgets of their services, and serve until then. A doomed node
        is emptied at once: what it keeps is lost anyway, and starts elsewhere the later.
        """
        node.draining = True
        self._stop_gangs(node, saving=True)
        if node.doomed:
            self._evict(tuple(node.pods.values()))
        elif node not in self._leaving:
            self._leaving.append(node)

    def remove(self, node: SimNode, word: EventWord) -> None:
        """The node is gone, and what sat on it waits again: gangs lose what was not saved."""
        self._stop_gangs(node, saving=False)
        self._evict(tuple(node.pods.values()))
        del self.nodes[node.pool].by_name[node.name]
        self._tell(word, node.name, node.pool)

    def trim(self, replicas: Replicas) -> None:
        """Stop the pods that are no longer wanted."""
        self._shaken.add(replicas.pool)
        for pod in replicas.surplus():
            del replicas.pods[pod.serial]
            pod.leave()
        if replicas.wanted == 0:
            self.replicas[replicas.pool].pop(replicas.service.name, None)

    def stop(self, gang: Gang, run: Run, *, saving: bool) -> None:
        """End a run: with a checkpoint, or back at the last one."""
        for pod in run.pods:
            pod.leave()
        self._shaken |= run.on().keys() | gang.wanted.keys()
        gang.run = None
        done = gang.progress(run, self.now).done_gpu_hours if saving else run.saved_gpu_hours
        self._write_down(gang, done)
        self._ledger.free(gang.job.name)
        self._tell(EventWord.JOB_STOPPED, gang.job.name, self.cluster)

    def shake(self, pools: Iterable[PoolName]) -> None:
        """Something about the work on these pools has changed."""
        self._shaken.update(pools)

    def settle(self) -> None:
        """Pack what waits on the shaken pools, then evict what may go; until nothing moves."""
        self._pack()
        while going := self._evictable():
            self._evict(going)
            self._pack()

    def _pack(self) -> None:
        """Gangs all or none, then the largest replicas."""
        while self._shaken:
            shaken, self._shaken = self._shaken, set()
            for item in self._waiting(shaken):
                if isinstance(item, Gang):
                    self._start(item)
                else:
                    self._fill(item)

    def _waiting(self, shaken: set[PoolName]) -> list[Replicas | Gang]:
        waiting: list[Replicas | Gang] = [
            item for pool in shaken for item in self.replicas[pool].values() if item.pending > 0
        ]
        waiting += [
            gang
            for gang in self.gangs.values()
            if gang.run is None and not shaken.isdisjoint(gang.wanted)
        ]
        return sorted(waiting, key=_turn)

    def _fill(self, item: Replicas) -> None:
        nodes = self._schedulable(item.pool)
        for index in first_fit(item.size, item.pending, [node.room for node in nodes]):
            pod = self._seat(item.service.name, item.size, nodes[index], worker=False)
            item.pods[pod.serial] = pod
            self._agenda.put(self.now + item.service.start_s, Started(pod=pod))

    def _start(self, gang: Gang) -> None:
        job = gang.job
        if self._ledger.progress(job.name).finished:
            gang.wanted.clear()
            return
        if self._ledger.elsewhere(job.name, self.cluster):
            self._held_elsewhere |= gang.wanted.keys()
            return
        seats = self._seats(gang)
        if not seats:
            return
        self._ledger.begin(job.name, self.cluster)
        pods = tuple(self._seat(job.name, gang.size, node, worker=True) for node in seats)
        gpu_types = (self.nodes[node.pool].pool.gpu_type for node in seats)
        saved = self._ledger.progress(job.name).saved_gpu_hours
        run = gang.run = Run(
            pods=pods,
            begins=Instant(self.now + job.restart_s),
            gpu_hours_per_s=gang_speed(job, gpu_types),
            base_gpu_hours=saved,
            saved_gpu_hours=saved,
        )
        self._plan_ahead(gang, run)

    def _plan_ahead(self, gang: Gang, run: Run) -> None:
        job = gang.job
        self._agenda.put(run.begins, Trains(gang=gang, run=run))
        if run.gpu_hours_per_s > 0.0:
            left = max(0.0, job.work_gpu_hours - run.base_gpu_hours)
            self._agenda.put(run.begins + left / run.gpu_hours_per_s, Finishes(gang=gang, run=run))
        if job.checkpoint_s > 0.0:
            self._agenda.put(run.begins + job.checkpoint_s, Saves(gang=gang, run=run))

    def _seats(self, gang: Gang) -> list[SimNode]:
        """A node for each worker, on one pool or over several as the job allows; or none."""
        spread = gang.job.spread is Spread.CLUSTER
        groups = [sorted(gang.wanted)] if spread else [[pool] for pool in sorted(gang.wanted)]
        for pools in groups:
            seats: list[SimNode] = []
            for pool in pools:
                count = min(gang.wanted[pool], gang.job.workers - len(seats))
                nodes = self._schedulable(pool)
                found = first_fit(gang.size, count, [node.room for node in nodes])
                seats += [nodes[index] for index in found]
            if len(seats) == gang.job.workers:
                return seats
            for node in seats:
                give_back(gang.size, node.room)
        return []

    def _seat(self, workload: WorkloadName, size: Amounts, node: SimNode, *, worker: bool) -> Pod:
        """A pod on a node whose room is already taken for it."""
        self._pods_ever += 1
        pod = Pod(serial=self._pods_ever, workload=workload, size=size, node=node, worker=worker)
        node.pods[pod.serial] = pod
        return pod

    def _schedulable(self, pool: PoolName) -> list[SimNode]:
        return [node for node in self.nodes[pool] if node.schedulable]

    def _stop_gangs(self, node: SimNode, *, saving: bool) -> None:
        for pod in tuple(node.pods.values()):
            gang = self.gangs.get(pod.workload)
            if gang is not None and gang.run is not None and pod.alive:
                self.stop(gang, gang.run, saving=saving)

    def _evictable(self) -> list[Pod]:
        self._leaving = [node for node in self._leaving if node.draining and node.pods]
        return evictions(self._leaving, self.replicas.values()) if self._leaving else []

    def _evict(self, pods: Iterable[Pod]) -> None:
        """Replicas lose their node and wait for another."""
        for pod in pods:
            self._shaken.add(pod.node.pool)
            del self.replicas[pod.node.pool][pod.workload].pods[pod.serial]
            pod.leave()

    def _happen(self, due: Due) -> None:
        match due:
            case Booted(node=node) | Noticed(node=node) | Taken(node=node):
                if node.name in self.nodes[node.pool].by_name:
                    self._node_due(due, node)
            case Started(pod=pod):
                if pod.alive:
                    pod.ready = True
                    self._tell(EventWord.REPLICA_READY, pod.workload, pod.node.pool)
            case (
                Trains(gang=gang, run=run)
                | Saves(gang=gang, run=run)
                | Finishes(gang=gang, run=run)
            ):
                if gang.run is run:
                    self._run_due(due, gang, run)
            case _:
                assert_never(due)

    def _node_due(self, due: Booted | Noticed | Taken, node: SimNode) -> None:
        match due:
            case Booted():
                node.booted = True
                self._shaken.add(node.pool)
                self._tell(EventWord.NODE_READY, node.name, node.pool)
            case Noticed():
                node.doomed = True
                self._agenda.put(self.now + NOTICE_S, Taken(node=node))
                self._tell(EventWord.SPOT_NOTICE, node.name, node.pool)
            case Taken():
                self.remove(node, EventWord.NODE_LOST)
            case _:
                assert_never(due)

    def _run_due(self, due: Trains | Saves | Finishes, gang: Gang, run: Run) -> None:
        match due:
            case Trains():
                for pod in run.pods:
                    pod.ready = True
                self._tell(EventWord.JOB_STARTED, gang.job.name, self.cluster)
            case Saves():
                run.saved_gpu_hours = gang.progress(run, self.now).done_gpu_hours
                self._write_down(gang, run.saved_gpu_hours)
                self._agenda.put(self.now + gang.job.checkpoint_s, due)
                self._tell(EventWord.JOB_CHECKPOINT, gang.job.name, self.cluster)
            case Finishes():
                self._finish(gang, run)
            case _:
                assert_never(due)

    def _finish(self, gang: Gang, run: Run) -> None:
        self._shaken |= run.on().keys()
        for pod in run.pods:
            pod.leave()
        gang.run = None
        gang.wanted.clear()
        self._write_down(gang, gang.job.work_gpu_hours, finished=True)
        self._ledger.free(gang.job.name)
        self._tell(EventWord.JOB_FINISHED, gang.job.name, self.cluster)

    def _write_down(self, gang: Gang, gpu_hours: float, *, finished: bool = False) -> None:
        self._ledger.carry_in(
            JobProgress(
                job=gang.job.name,
                done_gpu_hours=gpu_hours,
                saved_gpu_hours=gpu_hours,
                finished=finished,
            )
        )

    def _tell(self, word: EventWord, subject: str, place: str) -> None:
        self.events.append(SiteEvent(at=self.now, word=word, subject=subject, place=place))


def _turn(item: Replicas | Gang) -> tuple[bool, tuple[float, ...], str, str]:
    """Gangs, then replicas; each by decreasing size, then by name, so that ties break alike.

    A gang needs all of its seats at one instant, a replica only the next hole: replicas that went
    first would take the seats that were emptied for a gang one by one, and it would never start.
    """
    if isinstance(item, Gang):
        # As a whole: of two gangs the larger one is the harder to seat.
        whole = tuple(-amount * item.job.workers for amount in item.size)
        return False, whole, item.job.name, ""
    return True, tuple(-amount for amount in item.size), item.service.name, item.pool
