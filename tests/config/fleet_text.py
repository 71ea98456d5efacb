"""A small valid fleet as YAML text, policies to choose from, and ways to load them."""

from dataclasses import dataclass
from typing import ClassVar

from scheduler.config import NO_OBJECTS, Declared, Loaded, load_text

HEAD = "apiVersion: tidegate.io/v1alpha1\n"

FLEET = """\
apiVersion: tidegate.io/v1alpha1
kind: Cluster
metadata: {name: hangzhou-dc}
spec:
  exposure: private
  provider: on-premises
  region: cn-hangzhou
  holds: [public, internal, private]
  access:
    static: {nodes: {dc-a100: 4}, state: state/dc.json}
---
apiVersion: tidegate.io/v1alpha1
kind: Cluster
metadata: {name: aws-virginia}
spec:
  exposure: public
  provider: aws
  region: us-east-1
  access:
    simulated:
      seed: 7
      bootJitter: 0.3
      stockOuts: [{pool: aws-g5-spot, from: 18:00, to: 19:30}]
---
apiVersion: tidegate.io/v1alpha1
kind: NodePool
metadata: {name: dc-a100}
spec:
  cluster: hangzhou-dc
  zone: a
  instanceType: dgx-a100
  gpu: {type: A100-40GB, count: 8, memory: 40Gi}
  cpu: 128
  memory: 1Ti
  pods: 110
  contract: owned
  nodes: {min: 4, max: 4}
  price: 46 CNY/h
  boot: 6m
---
apiVersion: tidegate.io/v1alpha1
kind: NodePool
metadata: {name: aws-g5-spot}
spec:
  cluster: aws-virginia
  gpu: {type: A10G, count: 1, memory: 24Gi}
  cpu: 16
  memory: 64Gi
  contract: spot
  nodes: {max: 20}
  price: 0.60 USD/h
  interruptionsPerHour: 0.05
---
apiVersion: tidegate.io/v1alpha1
kind: InferenceService
metadata: {name: search-ranking}
spec:
  priority: critical
  dataClass: internal
  datasets: [item-features]
  replica: {gpus: 1, gpuMemory: 20Gi, cpu: 8, memory: 32Gi}
  replicas: {min: 2, max: 64}
  objective: {quantile: p95, latency: 60ms}
  speed:
    A100-40GB: {base: 8ms, queue: 6ms, limit: 900/s}
    A10G: {base: 14ms, queue: 9ms, limit: 310/s}
  users: cn-hangzhou
  traffic: 18kB
  image: 6GB
  start: 45s
  lateCost: 400 USD/h
---
apiVersion: tidegate.io/v1alpha1
kind: TrainingJob
metadata: {name: ranker-nightly}
spec:
  dataClass: private
  datasets: [click-logs]
  gang: {workers: 2, spread: pool}
  worker: {gpus: 8, gpuMemory: 38Gi, cpu: 96, memory: 512Gi}
  speed: {A100-40GB: 1.0, V100-16GB: 0.42}
  work: 48 GPUh
  notBefore: 2026-11-11T01:00:00Z
  deadline: 2026-11-11T09:00:00Z
  checkpoint: 30m
  restart: 5m
  image: 12GB
---
apiVersion: tidegate.io/v1alpha1
kind: Dataset
metadata: {name: click-logs}
spec: {size: 2TB, dataClass: private, homes: [hangzhou-dc]}
---
apiVersion: tidegate.io/v1alpha1
kind: Dataset
metadata: {name: item-features}
spec: {size: 20GB, homes: [hangzhou-dc, aws-virginia]}
---
apiVersion: tidegate.io/v1alpha1
kind: Link
metadata: {name: dc-to-aws}
spec:
  from: hangzhou-dc
  to: aws-virginia
  price: [{upTo: 10TB, perGB: 0.09 USD}, {upTo: 50TB, perGB: 0.085 USD}, {perGB: 0.07 USD}]
  bandwidth: 5Gbit/s
  rtt: 210ms
  bothWays: true
---
apiVersion: tidegate.io/v1alpha1
kind: SignalSource
metadata: {name: recorded-day}
spec:
  csv: {path: load.csv}
---
apiVersion: tidegate.io/v1alpha1
kind: Policy
metadata: {name: our-way}
spec:
  preset: balanced
  policies:
    - {use: response-time, safety: 0.8}
    - {use: budget, usdPerHour: 120}
    - {use: stability, off: true}
    - {use: acme.policies:Green, with: {usdPerKg: 0.1}}
  currencies: {CNY: 0.14}
  loop: {every: 30s}
  forecast: {staleAfter: 5m, window: 15m, margin: 0.1, scaleDownAfter: 10m}
  guard:
    maxNodesAddedPerTick: 40
    quietHours: [{from: 22:30, to: 06:00, timeZone: Asia/Shanghai}]
  solver: {use: highs, gap: 0.001}
"""

BALANCED = """\
apiVersion: tidegate.io/v1alpha1
kind: Policy
metadata: {name: balanced}
spec:
  policies:
    - {use: response-time, safety: 0.9, latePrice: 2.0}
    - {use: cost}
    - {use: stability}
  guard: {maxNodesReleasedPerTick: 7, maxNodesAddedPerTick: 60}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTime:
    name: ClassVar[str] = "response-time"
    safety: float = 0.9
    late_price: float = 1.0

    def __post_init__(self):
        if self.safety > 1.0:
            raise ValueError("safety must be at most 1")

    def contribute(self, board):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    name: ClassVar[str] = "cost"
    spot_risk: float = 1.0

    def contribute(self, board):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    name: ClassVar[str] = "budget"
    usd_per_hour: float
    owned_too: bool = False

    def contribute(self, board):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    name: ClassVar[str] = "stability"

    def contribute(self, board):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Residency:
    name: ClassVar[str] = "residency"
    also_private: tuple[str, ...] = ()

    def contribute(self, board):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Green:
    name: str = "green"
    usd_per_kg: float

    def contribute(self, board):
        return None


POLICY_TYPES = {
    "response-time": ResponseTime,
    "cost": Cost,
    "budget": Budget,
    "stability": Stability,
    "residency": Residency,
}
PRESETS = {"balanced": BALANCED}


def resolve(use: str) -> type:
    if use == "acme.policies:Green":
        return Green
    raise ModuleNotFoundError(f"No module named '{use.partition(':')[0]}'")


def load_fleet(text: str | bytes = FLEET, *, presets=PRESETS, is_file=lambda _: True) -> Loaded:
    return load_files({"fleet.yaml": text}, presets=presets, is_file=is_file)


def load_files(files, *, presets=PRESETS, is_file=lambda _: True, objects=NO_OBJECTS) -> Loaded:
    return load_text(
        files,
        presets=presets,
        policy_types=POLICY_TYPES,
        resolve=resolve,
        is_file=is_file,
        objects=objects,
    )


def declare_fleet(text: str | bytes = FLEET, *, presets=PRESETS) -> Declared:
    return declared_in(load_fleet(text, presets=presets))


def declared_in(loaded: Loaded) -> Declared:
    assert loaded.faults == ()
    assert loaded.declared is not None
    return loaded.declared


def faults_with(old: str, new: str) -> list[str]:
    """What is wrong with the fleet once `old` reads `new`."""
    assert FLEET.count(old) >= 1, old
    return faults_of(FLEET.replace(old, new, 1))


def faults_of(text: str | bytes) -> list[str]:
    loaded = load_fleet(text)
    assert (loaded.declared is None) == bool(loaded.faults)
    return [str(fault) for fault in loaded.faults]


def line_of(snippet: str, text: str = FLEET) -> int:
    return text[: text.index(snippet)].count("\n") + 1


def place_of(snippet: str, text: str = FLEET) -> str:
    """`fleet.yaml:line:column` of the first place where the snippet stands."""
    at = text.index(snippet)
    return f"fleet.yaml:{line_of(snippet, text)}:{at - text.rfind(chr(10), 0, at)}"
