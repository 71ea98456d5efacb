"""The documents: YAML files into checked values of the domain, or located faults."""

from scheduler.config.catalogue import NO_OBJECTS, Objects
from scheduler.config.declared import (
    Declared,
    Loaded,
    SimulatedSite,
    SiteSettings,
    SourceSettings,
    StaticSite,
    StockOut,
)
from scheduler.config.faults import Fault
from scheduler.config.load import load, load_text
from scheduler.config.policy_build import PolicyUse, build_policies
from scheduler.config.schema import json_schema

__all__ = [
    "NO_OBJECTS",
    "Declared",
    "Fault",
    "Loaded",
    "Objects",
    "PolicyUse",
    "SimulatedSite",
    "SiteSettings",
    "SourceSettings",
    "StaticSite",
    "StockOut",
    "build_policies",
    "json_schema",
    "load",
    "load_text",
]
