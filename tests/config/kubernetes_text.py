"""A hybrid fleet on Kubernetes as YAML text: one private cluster, one public, one static room."""

from scheduler.config import Declared, Loaded

from .fleet_text import declared_in, load_files

IMAGE = "registry.example.com/ranker@sha256:" + "ab" * 32
HYBRID = """\
apiVersion: tidegate.io/v1alpha1
kind: Cluster
metadata: {name: private}
spec:
  exposure: private
  region: here
  access:
    kubernetes: {inCluster: true, namespaces: [ml]}
---
apiVersion: tidegate.io/v1alpha1
kind: Cluster
metadata: {name: public}
spec:
  exposure: public
  provider: aws
  region: there
  access:
    kubernetes:
      context: eks-virginia
      kubeconfig: clouds.kubeconfig
      namespaces: [ml, batch]
      namespace: scheduling
      supply: autoscaler
      drainDeadline: 20m
      gangDeadline: 2m
---
apiVersion: tidegate.io/v1alpha1
kind: Cluster
metadata: {name: old-room}
spec:
  exposure: private
  region: here
  access:
    static: {nodes: {old: 2}}
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
  nodes: {min: 2, max: 2}
  price: 9 USD/h
  kubernetes:
    labels: {example.com/row: a}
    queue: owned-queue
---
apiVersion: tidegate.io/v1alpha1
kind: NodePool
metadata: {name: rented}
spec:
  cluster: public
  gpu: {type: A10G, count: 1, memory: 24Gi}
  cpu: 16
  memory: 64Gi
  contract: spot
  nodes: {max: 20}
  price: 0.60 USD/h
  kubernetes:
    group: gpu-spot
    tolerations: [{key: spot, value: "true", effect: NoSchedule}]
    resource: nvidia.com/gpu.shared
    sharedWithAutoscaler: true
    queue: rented-queue
---
apiVersion: tidegate.io/v1alpha1
kind: NodePool
metadata: {name: old}
spec:
  cluster: old-room
  gpu: {type: A10G, count: 4, memory: 24Gi}
  cpu: 32
  memory: 128Gi
  contract: owned
  nodes: {min: 2, max: 2}
  price: 1 USD/h
---
apiVersion: tidegate.io/v1alpha1
kind: InferenceService
metadata: {name: search}
spec:
  replica: {gpus: 1, cpu: 2, memory: 8Gi}
  replicas: {max: 8}
  objective: {latency: 60ms}
  speed:
    A100: {base: 8ms, queue: 6ms, limit: 900/s}
    A10G: {base: 14ms, queue: 9ms, limit: 310/s}
  kubernetes:
    namespace: ml
    adopt: {owned: search-a100, rented: search-a10g}
    route: {name: search, backends: {owned: svc-a100, rented: svc-a10g}}
---
apiVersion: tidegate.io/v1alpha1
kind: InferenceService
metadata: {name: chat}
spec:
  replica: {gpus: 1, cpu: 2, memory: 8Gi}
  replicas: {max: 8}
  objective: {latency: 60ms}
  clusters: [private, public]
  speed:
    A100: {base: 8ms, queue: 6ms, limit: 900/s}
    A10G: {base: 14ms, queue: 9ms, limit: 310/s}
  kubernetes:
    namespace: ml
    own: {port: 8000, templateFile: chat.pod.yaml}
    route: {name: chat, namespace: ml}
---
apiVersion: tidegate.io/v1alpha1
kind: TrainingJob
metadata: {name: nightly}
spec:
  gang: {workers: 2}
  worker: {gpus: 8, cpu: 32, memory: 128Gi}
  speed: {A100: 1.0}
  work: 48 GPUh
  kubernetes:
    namespace: ml
    job:
      kueue: true
      template:
        spec:
          containers: [{name: worker, image: "registry.example.com/ranker@sha256:DIGEST"}]
---
apiVersion: tidegate.io/v1alpha1
kind: TrainingJob
metadata: {name: tuning}
spec:
  gang: {workers: 4}
  worker: {gpus: 1, cpu: 4, memory: 16Gi}
  speed: {A10G: 1.0}
  clusters: [public]
  work: 8 GPUh
  kubernetes:
    namespace: batch
    suspend:
      apiVersion: kubeflow.org/v1
      resource: pytorchjobs
      name: tuning
      nodeSelectors: [spec.pytorchReplicaSpecs.Worker.template.spec.nodeSelector]
      pods: {training.kubeflow.org/job-name: tuning}
""".replace("sha256:DIGEST", "sha256:" + "ab" * 32)
CHAT = f"""\
metadata:
  labels: {{team: chat}}
spec:
  containers:
    - name: server
      image: {IMAGE}
"""


def load_hybrid(text: str = HYBRID, *, template: str | None = CHAT, **objects) -> Loaded:
    templates = {} if template is None else {"room/chat.pod.yaml": template}
    return load_files({"room/fleet.yaml": text, **templates}, **objects)


def declare_hybrid(text: str = HYBRID, *, template: str = CHAT) -> Declared:
    return declared_in(load_hybrid(text, template=template))


def faults_with(old: str, new: str) -> list[str]:
    """What is wrong with the hybrid fleet once `old` reads `new`."""
    assert HYBRID.count(old) >= 1, old
    return [str(fault) for fault in load_hybrid(HYBRID.replace(old, new, 1)).faults]


def place_of(snippet: str, text: str = HYBRID) -> str:
    """`room/fleet.yaml:line:column` of the first place where the snippet stands."""
    at = text.index(snippet)
    line = text[:at].count("\n") + 1
    return f"room/fleet.yaml:{line}:{at - text.rfind(chr(10), 0, at)}"
