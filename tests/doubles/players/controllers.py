"""The controllers of the double: what the controller manager does of its own accord."""

from typing import Any

from tests.doubles.kubernetes.kinds import (
    BUDGETS,
    BUILT_IN,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
)
from tests.doubles.players.budgets import tend_budget
from tests.doubles.players.gangs import tend_job
from tests.doubles.players.parts import going, holds
from tests.doubles.players.playing import Playing
from tests.doubles.players.replicas import ASKED, tend_deployment, tend_set

Object = dict[str, Any]
NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
ACCOUNTS = next(kind for kind in BUILT_IN if kind.name == "ServiceAccount")


class Controllers(Playing):
    """Deployments, ReplicaSets, Jobs, disruption budgets, accounts of namespaces, node taints."""

    def turn(self) -> None:
        """One look at everything."""
        with self.store.lock:
            for namespace in self.store.all(NAMESPACES):
                self._account(namespace["metadata"]["name"])
            for node in self.store.all(NODES):
                self._taint(node)
            for deployment in self.store.all(DEPLOYMENTS):
                if not going(deployment):
                    tend_deployment(self.writing, deployment)
            for replica_set in self.store.all(REPLICA_SETS):
                if not going(replica_set):
                    tend_set(self.writing, replica_set)
            for job in self.store.all(JOBS):
                tend_job(self.writing, job)
            for budget in self.store.all(BUDGETS):
                tend_budget(self.writing, budget)

    def collect_lost_pods(self) -> None:
        """Removes the pods of nodes that are gone. The real one takes most of a minute for it."""
        with self.store.lock:
            nodes = {node["metadata"]["name"] for node in self.store.all(NODES)}
            for pod in self.store.all(PODS):
                on = pod["spec"].get("nodeName")
                if on and on not in nodes:
                    key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
                    self.writing.delete(PODS, key, {"gracePeriodSeconds": 0})

    def _account(self, namespace: str) -> None:
        if self.store.find(ACCOUNTS, (namespace, "default")) is None:
            body = {"metadata": {"name": "default"}}
            self.writing.create(ACCOUNTS, namespace, body, ASKED)

    def _taint(self, node: Object) -> None:
        old = (node.get("spec") or {}).get("taints") or []
        ours = (NOT_READY["key"], CORDONED["key"])
        taints = [one for one in old if one["key"] not in ours]
        if not holds(node, "Ready"):
            taints.append(NOT_READY)
        if node["spec"].get("unschedulable"):
            taints.append(CORDONED)
        if {one["key"] for one in taints} == {one["key"] for one in old}:
            return

        def turn(found: Object) -> Object:
            spec = {name: value for name, value in found["spec"].items() if name != "taints"}
            return {**found, "spec": {**spec, **({"taints": taints} if taints else {})}}

        self.writing.change(NODES, ("", node["metadata"]["name"]), turn, ASKED)
