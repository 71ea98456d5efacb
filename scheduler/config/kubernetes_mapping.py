"""From the `kubernetes` sections to bindings of the domain."""

import os
from pathlib import Path

from scheduler.config.documents import Catalogue, Entry
from scheduler.config.kubernetes_documents import (
    KubernetesJobShape,
    KubernetesPoolShape,
    KubernetesServiceShape,
    KubernetesShape,
    RouteShape,
    SuspendShape,
)
from scheduler.config.place_documents import NodePoolSpec
from scheduler.config.pod_templates import SECTIONS, Templates
from scheduler.config.workload_documents import InferenceServiceSpec, TrainingJobSpec
from scheduler.domain.bindings import (
    Adopted,
    Bindings,
    KubernetesAccess,
    Owned,
    OwnedJob,
    PoolBinding,
    Route,
    Suspendable,
    Toleration,
    WorkloadBinding,
)
from scheduler.domain.names import ClusterName, PoolName, WorkloadName


def access_of(name: str, shape: KubernetesShape, folder: Path) -> KubernetesAccess:
    """The way into a cluster; a kubeconfig is looked for from the folder of the document."""
    return KubernetesAccess(
        cluster=ClusterName(name),
        context=shape.context,
        kubeconfig=shape.kubeconfig and _from(folder, shape.kubeconfig),
        namespaces=tuple(shape.namespaces),
        home=shape.namespace,
        supply=shape.supply,
        drain_deadline_s=shape.drain_deadline,
        gang_deadline_s=shape.gang_deadline,
    )


def bindings_of(catalogue: Catalogue, templates: Templates) -> Bindings:
    """How pools and workloads are known to Kubernetes."""
    services = (_service(entry, templates) for entry in catalogue.services)
    jobs = (_job(entry, templates) for entry in catalogue.jobs)
    workloads = (binding for binding in (*services, *jobs) if binding is not None)
    return Bindings(
        pools={PoolName(entry.name): pool_binding(entry) for entry in catalogue.pools},
        workloads={binding.workload: binding for binding in workloads},
    )


def pool_binding(entry: Entry[NodePoolSpec]) -> PoolBinding:
    """How the nodes of a pool are known; by a group of its own name where nothing is said."""
    shape = entry.spec.kubernetes or KubernetesPoolShape.model_validate({})
    return PoolBinding(
        pool=PoolName(entry.name),
        group=shape.group or entry.name,
        labels=dict(sorted(shape.labels.items())),
        tolerations=tuple(
            Toleration(key=item.key, value=item.value, effect=item.effect or "")
            for item in shape.tolerations
        ),
        resource=shape.resource,
        shared=shape.shared_with_autoscaler,
        queue=shape.queue,
    )


def _from(folder: Path, file: str) -> str:
    return os.path.normpath(folder / os.path.expanduser(file))


def _service(entry: Entry[InferenceServiceSpec], templates: Templates) -> WorkloadBinding | None:
    shape = entry.spec.kubernetes
    if shape is None:
        return None
    return WorkloadBinding(
        workload=WorkloadName(entry.name),
        runs=_serves(entry, shape, templates),
        route=_route(shape.route, shape.namespace) if shape.route else None,
    )


def _serves(
    entry: Entry[InferenceServiceSpec], shape: KubernetesServiceShape, templates: Templates
) -> Adopted | Owned:
    if shape.own is not None:
        template = templates.of(entry.source, SECTIONS["InferenceService"])
        return Owned(namespace=shape.namespace, template=template, port=shape.own.port)
    deployments = {PoolName(pool): name for pool, name in sorted((shape.adopt or {}).items())}
    return Adopted(namespace=shape.namespace, deployments=deployments)


def _route(shape: RouteShape, namespace: str) -> Route:
    return Route(
        namespace=shape.namespace or namespace,
        name=shape.name,
        rule=shape.rule,
        backends={PoolName(pool): name for pool, name in sorted(shape.backends.items())},
    )


def _job(entry: Entry[TrainingJobSpec], templates: Templates) -> WorkloadBinding | None:
    shape = entry.spec.kubernetes
    if shape is None:
        return None
    return WorkloadBinding(workload=WorkloadName(entry.name), runs=_trains(entry, shape, templates))


def _trains(
    entry: Entry[TrainingJobSpec], shape: KubernetesJobShape, templates: Templates
) -> OwnedJob | Suspendable:
    if shape.suspend is not None:
        return _suspendable(shape.namespace, shape.suspend)
    template = templates.of(entry.source, SECTIONS["TrainingJob"])
    kueue = shape.job is not None and shape.job.kueue
    return OwnedJob(namespace=shape.namespace, template=template, kueue=kueue)


def _suspendable(namespace: str, shape: SuspendShape) -> Suspendable:
    return Suspendable(
        namespace=namespace,
        api_version=shape.api_version,
        resource=shape.resource,
        name=shape.name,
        suspend=tuple(shape.path.split(".")),
        node_selectors=tuple(tuple(path.split(".")) for path in shape.node_selectors),
        pods=dict(sorted(shape.pods.items())),
    )
