"""Marks: the names by which objects are known as ours, and what we write on them."""

import re
from hashlib import sha256

from scheduler.domain.names import PoolName, WorkloadName

DOMAIN = "tidegate.io"
MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "tidegate"
"""Value of MANAGED_BY on every object that we made. Without it nothing is ever deleted."""
WORKLOAD = f"{DOMAIN}/workload"
POOL = f"{DOMAIN}/pool"
"""On pods and what makes them: the pool they are for. On nodes: the pool they belong to."""
KEY = f"{DOMAIN}/key"
"""Annotation: the key of the order that last changed the object."""
DRAINING = f"{DOMAIN}/draining"
"""Taint (NoSchedule) of a node that we empty."""
DRAINING_SINCE = f"{DOMAIN}/draining-since"
"""Annotation of such a node: RFC 3339, when the taint was set."""
WANTED = f"{DOMAIN}/workers"
"""Annotation of a gang's Job: workers that shall run, though it may stand still; 0: none."""
DONE = f"{DOMAIN}/done-gpu-hours"
"""Annotation of a gang's Job: reference GPU-hours done before its present run."""
PROGRESS = f"{DOMAIN}/progress-gpu-hours"
"""Annotation of a gang's Job that the training itself may write: GPU-hours done in all."""
TEMPLATE = f"{DOMAIN}/template"
"""Annotation of what we made: digest of the template in the documents that it was made from."""
CONTAINER = f"{DOMAIN}/container"
"""Annotation of a pod template: the container that gets the GPUs; without it the first one."""
TRAFFIC = "tidegate-traffic"
"""ConfigMap in the home namespace: `WORKLOAD_POOL` -> share of the workload's traffic."""

LABEL_LIMIT = 63
PLAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def option_name(workload: WorkloadName, pool: PoolName) -> str:
    """Name of the objects of one workload on one pool: a DNS label, different for each pair."""
    name = f"{workload}-{pool}"
    # "a-b" on "c" and "a" on "b-c" would share a name, so whatever is not plain gets a digest.
    if "-" not in workload and len(name) <= LABEL_LIMIT - 9 and PLAIN.fullmatch(name):
        return name
    digest = sha256(f"{workload}/{pool}".encode()).hexdigest()[:8]
    stem = re.sub(r"[^-a-z0-9]", "-", name)[: LABEL_LIMIT - 9].rstrip("-")
    return f"{stem}-{digest}"


def traffic_key(workload: WorkloadName, pool: PoolName) -> str:
    """Key in the traffic table. Names hold no underscore, so it reads back without doubt."""
    return f"{workload}_{pool}"


def ours(labels: dict[str, str]) -> bool:
    """Whether an object was made by us."""
    return labels.get(MANAGED_BY) == OURS
