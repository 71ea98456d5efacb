"""Documents of places: Cluster, NodePool, Dataset, Link and SignalSource."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from scheduler.config.faults import Path
from scheduler.config.fields import (
    Bandwidth,
    Duration,
    MinuteOfDay,
    Name,
    Shape,
    SomeCores,
    SomeGigabytes,
    SomeMemory,
    Text,
    Usd,
    UsdPerHour,
    WindowEnd,
    Word,
    by_default,
    contradict,
)
from scheduler.config.kubernetes_documents import KubernetesPoolShape, KubernetesShape
from scheduler.domain.places import Contract, Exposure


class Metadata(Shape):
    """The name under which other documents refer to this one."""

    name: Name = Field(description="Lower case letters, digits, '-' and '.'.")


class Document(Shape):
    """What every document starts with."""

    api_version: Literal["tidegate.io/v1alpha1"] = Field(description="The version of the format.")
    metadata: Metadata


class StockOutShape(Shape):
    """Hours of the simulated day (UTC) in which a pool is sold out."""

    pool: Name
    start: MinuteOfDay = Field(alias="from")
    end: WindowEnd = Field(alias="to")


class SimulatedShape(Shape):
    """A cluster that exists in this process only."""

    seed: int = Field(0, ge=0, le=2**63 - 1, description="Equal seeds give equal days.")
    boot_jitter: float = Field(
        0.2, ge=0.0, le=1.0, description="Share by which boot times vary up and down."
    )
    stock_outs: list[StockOutShape] = Field([], max_length=1_000)


class StaticShape(Shape):
    """A cluster whose nodes are counted here and never bought or given back."""

    nodes: dict[Name, Annotated[int, Field(ge=0, le=100_000)]] = Field(
        {}, max_length=1_000, description="Nodes by pool."
    )
    state: Text | None = Field(
        None, min_length=1, description="File that keeps placements over a restart."
    )


class AccessShape(Shape):
    """The way in: exactly one kind."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    simulated: SimulatedShape | None = None
    static: StaticShape | None = None
    kubernetes: KubernetesShape | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "AccessShape":
        if sum(way is not None for way in (self.simulated, self.static, self.kubernetes)) != 1:
            raise ValueError(
                "needs exactly one of `simulated: {}`, `static: {}` and `kubernetes: {}`"
            )
        return self


class ClusterSpec(Shape):
    """A place with nodes."""

    exposure: Exposure = Field(strict=False, description="Who else is in the building.")
    provider: Word = Field("on-premises", description="on-premises, aliyun, aws, azure, gcp, ...")
    region: Word
    holds: list[Word] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Data classes that may be there. Default: public and internal, and private "
        "in a private cluster.",
    )
    access: AccessShape


class GpuShape(Shape):
    """The GPUs of one node."""

    type: Word
    count: int = Field(ge=1, le=64)
    memory: SomeMemory = Field(description="Memory of one GPU.")


class NodesShape(Shape):
    """How many nodes the pool may have."""

    min: int = Field(0, ge=0, le=100_000)
    max: int = Field(ge=0, le=100_000)

    @model_validator(mode="after")
    def _in_order(self, info: ValidationInfo) -> "NodesShape":
        if self.min > self.max:
            contradict(info, [(("min",), f"must not be above max ({self.max})")])
        return self


class NodePoolSpec(Shape):
    """Nodes of one shape, in one cluster and zone, under one contract."""

    cluster: Name
    zone: Word | None = None
    instance_type: Word | None = None
    gpu: GpuShape
    cpu: SomeCores = Field(description="Cores of one node.")
    memory: SomeMemory = Field(description="Memory of one node.")
    pods: int = Field(110, ge=1, le=10_000, description="Pods that one node takes.")
    contract: Contract = Field(strict=False)
    nodes: NodesShape
    price: UsdPerHour = Field(description="Of one node for one hour.")
    interruptions_per_hour: float = Field(
        0.0, ge=0.0, le=60.0, description="Expected interruptions of one spot node in one hour."
    )
    boot: Duration = by_default("5m", description="From the order to a node with allocatable GPUs.")
    kubernetes: KubernetesPoolShape | None = None

    @field_validator("interruptions_per_hour")
    @classmethod
    def _of_spot(cls, per_hour: float, info: ValidationInfo) -> float:
        contract = info.data.get("contract", Contract.SPOT)
        if per_hour > 0.0 and contract is not Contract.SPOT:
            message = f"only spot nodes are interrupted, and these are {contract}"
            contradict(info, [((), message)])
        return per_hour


class DatasetSpec(Shape):
    """Data that workloads read."""

    size: SomeGigabytes
    data_class: Word = "internal"
    homes: list[Name] = Field(
        min_length=1, max_length=1_000, description="Clusters that hold a copy."
    )


class TierShape(Shape):
    """A price for the volume of a month up to a limit."""

    up_to: SomeGigabytes | None = Field(None, description="Missing in the last tier only.")
    per_gb: Usd = Field(alias="perGB")


def _tiers(value: object) -> object:
    return [{"perGB": value}] if isinstance(value, str | float | int) else value


def _ascending(tiers: list[TierShape], info: ValidationInfo) -> list[TierShape]:
    contradict(info, _disorder(tiers))
    return tiers


def _disorder(tiers: Sequence[TierShape]) -> Iterator[tuple[Path, str]]:
    before = 0.0
    last = len(tiers) - 1
    for index, tier in enumerate(tiers):
        path = (index, "upTo")
        if tier.up_to is None and index < last:
            yield path, "is missing: only the last tier has no end"
        elif tier.up_to is not None and index == last:
            yield path, "the last tier has no end: it is for all that is more"
        elif tier.up_to is not None:
            if tier.up_to <= before:
                yield path, "must be above the tier before it"
            before = tier.up_to


Tiers = Annotated[
    list[TierShape],
    Field(min_length=1, max_length=100),
    AfterValidator(_ascending),
    BeforeValidator(_tiers, json_schema_input_type=list[TierShape] | Usd),
]


class LinkSpec(Shape):
    """The way from one cluster or region to another."""

    source: Word = Field(alias="from", description="A cluster or a region.")
    target: Word = Field(alias="to", description="A cluster or a region.")
    price: Tiers = Field(description="One price for a GB, or tiers by the volume of a month.")
    bandwidth: Bandwidth
    rtt: Duration
    both_ways: bool = False

    @field_validator("target")
    @classmethod
    def _elsewhere(cls, target: str, info: ValidationInfo) -> str:
        if target == info.data.get("source"):
            contradict(info, [((), "a link leads somewhere else")])
        return target


class CsvShape(Shape):
    """A table with the columns time, signal, subject, pool (optional) and value."""

    path: Text = Field(min_length=1, description="Relative to the YAML file.")


class SignalSourceSpec(Shape):
    """Where readings come from."""

    csv: CsvShape


class ClusterDocument(Document):
    """A place with nodes: private, public or edge."""

    kind: Literal["Cluster"]
    spec: ClusterSpec


class NodePoolDocument(Document):
    """Nodes of one shape in one cluster."""

    kind: Literal["NodePool"]
    spec: NodePoolSpec


class DatasetDocument(Document):
    """Data that workloads read, its class and its homes."""

    kind: Literal["Dataset"]
    spec: DatasetSpec


class LinkDocument(Document):
    """Price, speed and round trip between two places."""

    kind: Literal["Link"]
    spec: LinkSpec


class SignalSourceDocument(Document):
    """A source of readings."""

    kind: Literal["SignalSource"]
    spec: SignalSourceSpec
