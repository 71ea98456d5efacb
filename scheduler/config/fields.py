"""The types that fields of documents have: parsed, bounded, and described for editors."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from scheduler.config import units
from scheduler.config.faults import Path

YEAR_S = 366 * 86_400.0
API_VERSION = "tidegate.io/v1alpha1"
NAME = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
RATES = "rates"
"""Key of the validation context under which the rates of currencies stand."""
TOLERANT = "tolerant"
"""Key of the validation context that lets values pass that contradict one another."""
CONTRADICTION = "contradiction"
"""The type of pydantic's error for values that are right alone and wrong together."""


class Shape(BaseModel):
    """A mapping with known camelCase keys and values of exactly the stated types."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


def contradict(info: ValidationInfo, found: Iterable[tuple[Path, str]]) -> None:
    """Refuses what was found, each at its path below the value that is being read."""
    errors = [
        InitErrorDetails(type=PydanticCustomError(CONTRADICTION, message), loc=path, input=None)
        for path, message in found
    ]
    if errors and not (info.context or {}).get(TOLERANT):
        raise ValidationError.from_exception_data("document", errors)


def by_default(
    text: str,
    description: str | None = None,
    *,
    le: float | None = None,
    strict: bool | None = None,
) -> Any:  # noqa: ANN401 - the field's type is what the text is parsed into
    """A field that is read from `text` where the document does not name it."""
    return Field(text, validate_default=True, description=description, le=le, strict=strict)


def _text_schema(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": f"^(?:{pattern})$", "examples": list(examples)}
    )


def _quantity_schema(*examples: str) -> WithJsonSchema:
    texts = {"type": "string", "pattern": f"^(?:{units.QUANTITY})$"}
    return WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, texts], "examples": list(examples)}
    )


def _priced(
    parse: Callable[[object, Mapping[str, float]], float],
) -> Callable[[object, ValidationInfo], float]:
    def convert(value: object, info: ValidationInfo) -> float:
        rates: Mapping[str, float] = (info.context or {}).get(RATES, {"USD": 1.0})
        return parse(value, rates)

    return convert


Name = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=NAME)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^\S(.*\S)?$")]
Text = Annotated[str, StringConstraints(max_length=253)]
Duration = Annotated[
    float,
    Field(ge=0.0, le=YEAR_S),
    BeforeValidator(units.duration_s),
    _text_schema(units.DURATION, "250ms", "90s", "5m", "1h30m"),
]
SomeTime = Annotated[
    float,
    Field(gt=0.0, le=YEAR_S),
    BeforeValidator(units.duration_s),
    _text_schema(units.DURATION, "250ms", "90s", "5m", "1h30m"),
]
Cores = Annotated[
    float,
    Field(ge=0.0, le=1e5),
    BeforeValidator(units.cores),
    _quantity_schema("8", "500m"),
]
Memory = Annotated[
    float,
    Field(ge=0.0, le=1e6),
    BeforeValidator(units.gib),
    _quantity_schema("512Mi", "32Gi", "1Ti"),
]
SomeCores = Annotated[Cores, Field(gt=0.0)]
SomeMemory = Annotated[Memory, Field(gt=0.0)]
Gigabytes = Annotated[
    float,
    Field(ge=0.0, le=1e9),
    BeforeValidator(units.gigabytes),
    _text_schema(units.DATA_SIZE, "6GB", "2TB"),
]
SomeGigabytes = Annotated[Gigabytes, Field(gt=0.0)]
Kilobytes = Annotated[
    float,
    Field(ge=0.0, le=1e9),
    BeforeValidator(units.kilobytes),
    _text_schema(units.DATA_SIZE, "18kB"),
]
Rate = Annotated[
    float,
    Field(gt=0.0, le=1e9),
    BeforeValidator(units.per_second),
    _text_schema(units.RATE, "900/s", "30/min"),
]
Bandwidth = Annotated[
    float,
    Field(gt=0.0, le=1e6),
    BeforeValidator(units.gbit_per_s),
    _text_schema(units.BANDWIDTH, "5Gbit/s", "200Mbit/s"),
]
Quantile = Annotated[
    float,
    Field(ge=0.5, lt=1.0),
    BeforeValidator(units.quantile),
    _text_schema(units.QUANTILE, "p95", "p99.9"),
]
GpuWork = Annotated[
    float,
    Field(gt=0.0, le=1e9),
    BeforeValidator(units.gpu_hours),
    _text_schema(units.GPU_WORK, "48 GPUh"),
]
UsdPerHour = Annotated[
    float,
    Field(ge=0.0, le=1e7),
    BeforeValidator(_priced(units.usd_per_hour)),
    _text_schema(units.MONEY_PER_HOUR, "6.40 USD/h", "46 CNY/h"),
]
Usd = Annotated[
    float,
    Field(ge=0.0, le=1e6),
    BeforeValidator(_priced(units.usd)),
    _text_schema(units.MONEY, "0.09 USD"),
]
At = Annotated[
    float,
    Field(ge=946_684_800.0, lt=4_102_444_800.0),
    BeforeValidator(units.instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
MinuteOfDay = Annotated[
    int,
    BeforeValidator(units.minute_of_day),
    _text_schema(units.TIME_OF_DAY, "22:30", "06:00"),
]
TimeZone = Annotated[
    str,
    BeforeValidator(units.time_zone),
    WithJsonSchema({"type": "string", "examples": ["Asia/Shanghai", "UTC"]}),
]


def _some_length(end: int, info: ValidationInfo) -> int:
    if end == info.data.get("start"):
        contradict(info, [((), "the window has no length")])
    return end


WindowEnd = Annotated[MinuteOfDay, AfterValidator(_some_length)]
"""Where the window ends that begins at the field `start` before it."""
