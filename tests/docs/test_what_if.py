"""The page on what-if lists all that can be supposed, with values that can be read."""

import re

from scheduler.app.what_if_language import FIELDS, Known, read_what_if
from scheduler.domain.names import Instant
from tests.docs.pages import ROOT, rows, text_of
from tests.model.worlds import NOW, a_fleet, a_job, a_pool, a_service

TABLE = dict(row[:2] for row in rows(text_of(ROOT / "docs" / "operations.md"), "supposed"))
FLEET = a_fleet(a_pool("NAME"), a_service("NAME"), a_job("NAME", deadline=Instant(NOW)))
KNOWN = Known(
    fleet=FLEET.__class__(
        clusters={"NAME": FLEET.clusters["dc"]},
        pools=FLEET.pools,
        services=FLEET.services,
        jobs=FLEET.jobs,
    ),
    has_budget=True,
)


def test_all_that_can_be_supposed_is_told():
    there = [f"{kind}.NAME.{field}" for kind, fields in FIELDS.items() for field in fields]
    assert [path.strip("`") for path in TABLE] == [*there, "budget"]


def test_every_value_that_is_told_can_be_read():
    for path, values in TABLE.items():
        for value in re.findall(r"`([^`]+)`", values):
            if value != "nodes.max":
                assert len(read_what_if([f"{path.strip('`')}={value}"], KNOWN)) == 1, value
