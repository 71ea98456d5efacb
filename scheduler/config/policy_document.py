"""The Policy document: what matters, at which price, and how boldly the loop acts."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from scheduler.config.fields import (
    Duration,
    MinuteOfDay,
    Shape,
    SomeTime,
    TimeZone,
    WindowEnd,
    Word,
    by_default,
    contradict,
)
from scheduler.config.place_documents import Document

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class PolicyEntry(Shape):
    """One policy: built in with its settings beside `use`, or your own with them under `with`."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)

    use: Word = Field(description="A built-in policy, or package.module:Class.")
    off: bool = Field(False, description="True switches an entry of the preset off.")
    settings: dict[str, Any] = Field(
        {}, alias="with", max_length=200, description="Settings of a policy from outside the tree."
    )


class PaceShape(Shape):
    """The pace of the loop."""

    every: SomeTime = by_default("60s", le=86_400.0)
    shares_every: Duration = by_default("0s", le=86_400.0, description="Traffic alone; 0 is never.")
    deadline: SomeTime = by_default("20s", description="For every call to a site or a source.")


class ForecastShape(Shape):
    """How readings become demand."""

    stale_after: SomeTime = by_default("5m", description="Older readings never take capacity away.")
    window: SomeTime = by_default("15m", description="History that is looked at.")
    margin: float = Field(0.1, ge=0.0, le=10.0, description="Added to the load, at least.")
    quantile: float = Field(
        0.9, ge=0.5, lt=1.0, description="Of rises of late: planned for where it is more."
    )
    scale_down_after: Duration = by_default(
        "10m", description="The highest load of this time is planned for."
    )
    slowdown_limit: float = Field(
        4.0, ge=1.0, le=1_000.0, description="The most one reading may blame on a slow server."
    )


class QuietHoursShape(Shape):
    """A daily window without releases or moves."""

    start: MinuteOfDay = Field(alias="from")
    end: WindowEnd = Field(alias="to")
    time_zone: TimeZone = by_default("UTC")


class GuardShape(Shape):
    """What is never done at once, and when nothing is taken away."""

    paused: bool = False
    max_nodes_added_per_tick: int = Field(50, ge=0, le=100_000)
    max_nodes_released_per_tick: int = Field(20, ge=0, le=100_000)
    release_after: Duration = by_default(
        "5m", description="How long a surplus lasts before release."
    )
    unready_share: float = Field(
        0.45, ge=0.0, le=1.0, description="More unready nodes than this: no release there."
    )
    quiet_hours: list[QuietHoursShape] = Field([], max_length=100)


class SolverShape(Shape):
    """Which solver, and how hard it tries."""

    use: Word = Field("highs", description="highs, or a solver that PuLP knows.")
    gap: float = Field(0.01, ge=0.0, lt=1.0)
    node_limit: int = Field(200, ge=1, le=10**9)
    time_limit: SomeTime = by_default("20s")
    keep_within: float = Field(
        0.002, ge=0.0, lt=1.0, description="A plan must save more than this share to be adopted."
    )


class PolicySpec(Shape):
    """Policies and the settings of the loop."""

    preset: Word | None = Field(None, description="Entries below override the preset's by `use`.")
    policies: list[PolicyEntry] = Field([], max_length=200)
    currencies: dict[Currency, Annotated[float, Field(gt=0.0, le=1e6)]] = Field(
        {}, max_length=200, description="What one unit is in USD."
    )
    loop: PaceShape = Field(default_factory=lambda: PaceShape.model_validate({}))
    forecast: ForecastShape = Field(default_factory=lambda: ForecastShape.model_validate({}))
    guard: GuardShape = Field(default_factory=lambda: GuardShape.model_validate({}))
    solver: SolverShape = Field(default_factory=lambda: SolverShape.model_validate({}))

    @field_validator("currencies")
    @classmethod
    def _usd_is_usd(cls, rates: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        if rates.get("USD", 1.0) != 1.0:
            contradict(info, [(("USD",), "one USD is one USD: remove it")])
        return rates


class PolicyDocument(Document):
    """How decisions are made. At most one."""

    kind: Literal["Policy"]
    spec: PolicySpec
