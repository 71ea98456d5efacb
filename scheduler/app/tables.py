"""The tables: built-in policies and presets, and how documents are loaded with them."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from policies.budget import Budget
from policies.cost import Cost
from policies.data_gravity import DataGravity
from policies.load_balancing import LoadBalancing
from policies.reserve import Reserve
from policies.residency import Residency
from policies.response_time import ResponseTime
from policies.spot_risk import SpotRisk
from policies.spread import Spread
from policies.stability import Stability
from scheduler.config import NO_OBJECTS, Loaded, Objects, json_schema, load

POLICY_TYPES: Mapping[str, type] = MappingProxyType(
    {
        "response-time": ResponseTime,
        "load-balancing": LoadBalancing,
        "cost": Cost,
        "residency": Residency,
        "data-gravity": DataGravity,
        "stability": Stability,
        "reserve": Reserve,
        "spread": Spread,
        "spot-risk": SpotRisk,
        "budget": Budget,
    }
)


@cache
def presets() -> Mapping[str, str]:
    """Preset name -> YAML text."""
    folder = files("policies") / "presets"
    texts = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return MappingProxyType(dict(sorted(texts.items())))


def resolve(name: str) -> type:
    """The class that `package.module:Class` names. Raises what the import raises."""
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, type):
        raise TypeError(f"{name} is not a class")
    return found


def load_documents(paths: Sequence[Path], objects: Objects = NO_OBJECTS) -> Loaded:
    """All documents at these paths and in objects. Policies in Python may lie beside them."""
    reach_policies(paths)
    return load(
        paths,
        presets=presets(),
        policy_types=POLICY_TYPES,
        resolve=resolve,
        solvers=_solvers,
        objects=objects,
    )


def _solvers() -> tuple[str, ...]:
    # PuLP is slow to import and looks for all its solvers: only who asks for one waits.
    from scheduler.solve.pulp_road import available_solvers

    return available_solvers()


def reach_policies(paths: Sequence[Path]) -> None:
    """Let policies in Python that lie beside these documents be imported."""
    for path in paths:
        folder = str((path if path.is_dir() else path.parent).resolve())
        if folder not in sys.path:
            sys.path.append(folder)


def document_schema() -> dict[str, object]:
    """The JSON Schema of all documents."""
    return json_schema(POLICY_TYPES)


def example_folder() -> Path:
    """The embedded e-commerce example: in the wheel, or in a checkout."""
    here = Path(__file__).resolve().parents[1]
    shipped = here / "_example"
    return shipped if shipped.is_dir() else here.parent / "examples" / "ecommerce"
