"""A Kubernetes site keeps the promises of an adapter, on the double and on a real control plane."""

from collections.abc import AsyncIterator

import pytest

from adapters.testing import AdapterPromises, Stage
from tests.adapters.kubernetes.site_worlds import GANG, POOL, SERVICE, SiteWorld, a_site_world
from tests.doubles.api_worlds import Api


def a_stage(world: SiteWorld) -> Stage:
    return Stage(
        adapter=world.site,
        settle=world.settle,
        pool=POOL.name,
        limit=POOL.max_nodes,
        service=SERVICE.name,
        fills=2,
        gang=GANG.name,
        workers=GANG.workers,
    )


class TestByLists(AdapterPromises):
    @pytest.fixture
    async def stage(self, api: Api) -> AsyncIterator[Stage]:
        async with a_site_world(api) as world:
            yield a_stage(world)
