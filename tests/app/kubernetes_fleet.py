"""A fleet with one Kubernetes cluster that is a double, in files of a folder."""

import json
from pathlib import Path

from tests.doubles.kubernetes.server import KubernetesDouble

FLEET = """\
apiVersion: tidegate.io/v1alpha1
kind: Cluster
metadata: {name: private}
spec:
  exposure: private
  region: here
  access: {kubernetes: {context: private, kubeconfig: way.kubeconfig, namespaces: [ml]}}
---
apiVersion: tidegate.io/v1alpha1
kind: NodePool
metadata: {name: owned}
spec:
  cluster: private
  gpu: {type: A100, count: 8, memory: 40Gi}
  cpu: 96
  memory: 512Gi
  contract: owned
  nodes: {min: 1, max: 2}
  price: 9 USD/h
"""
NIGHTLY = """\
apiVersion: tidegate.io/v1alpha1
kind: TrainingJob
metadata: {name: nightly}
spec:
  gang: {workers: 1}
  worker: {gpus: 8, cpu: 32, memory: 128Gi}
  speed: {A100: 1.0}
  work: 48 GPUh
  kubernetes:
    namespace: ml
    job:
      template:
        spec:
          containers:
            - name: worker
              image: "registry.example.com/ranker@sha256:DIGEST"
""".replace("DIGEST", "ab" * 32)
NODE = {
    "metadata": {"name": "gpu-1", "labels": {"tidegate.io/pool": "owned"}},
    "status": {
        "capacity": {"cpu": "96", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "8"},
        "allocatable": {"cpu": "96", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "8"},
        "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-11T00:00:00Z"}
        ],
    },
}


def kubeconfig(server: str, context: str = "private") -> str:
    """JSON is YAML."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "not-a-secret"}}],
            "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
            "current-context": context,
        }
    )


def write_fleet(folder: Path, double: KubernetesDouble, text: str = f"{FLEET}---\n{NIGHTLY}"):
    (folder / "fleet.yaml").write_text(text)
    (folder / "way.kubeconfig").write_text(kubeconfig(double.server))


def methods(double: KubernetesDouble) -> set[str]:
    return {call.method for call in double.asked}
