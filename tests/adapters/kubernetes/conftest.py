"""Worlds of this folder: the double of the API, and two real control planes where there are any."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count

import pytest

from tests.doubles.api_worlds import Api, a_corner
from tests.doubles.control_plane import ABSENT, ControlPlane, find_binaries
from tests.doubles.kubernetes.server import KubernetesDouble
from tests.doubles.players.controllers import Controllers
from tests.doubles.players.scheduler import Scheduler

numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """Two real clusters."""

    private: ControlPlane
    public: ControlPlane


@pytest.fixture(scope="session")
def started_planes(request: pytest.FixtureRequest) -> Iterator[dict[str, ControlPlane]]:
    """Those control planes that this run needs, started side by side."""
    if find_binaries() is None:
        pytest.skip(ABSENT)
    both = any(
        {"planes", "pair"} & {*getattr(item, "fixturenames", ())} for item in request.session.items
    )
    names = ("private", "public") if both else ("private",)
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        planes = {name: ControlPlane(name) for name in names}
        for started in list(pool.map(ControlPlane.__enter__, planes.values())):
            stack.push(started)
        yield planes


@pytest.fixture(scope="session")
def plane(started_planes: dict[str, ControlPlane]) -> ControlPlane:
    """One real cluster."""
    return started_planes["private"]


@pytest.fixture(scope="session")
def planes(started_planes: dict[str, ControlPlane]) -> Planes:
    """Two real clusters, a private and a public one."""
    return Planes(private=started_planes["private"], public=started_planes["public"])


@pytest.fixture
def double() -> Iterator[KubernetesDouble]:
    """An empty double of the API. Nothing acts in it by itself: see the players."""
    with KubernetesDouble() as served:
        yield served


@pytest.fixture
async def lively(double: KubernetesDouble) -> AsyncIterator[KubernetesDouble]:
    """The double with its controllers and its scheduler; the kubelet is for the test to start."""
    async with Controllers(double), Scheduler(double):
        yield double


@pytest.fixture(params=["double", "real"])
def api_server(request: pytest.FixtureRequest) -> KubernetesDouble | ControlPlane:
    """Each of the two servers in turn."""
    server: KubernetesDouble | ControlPlane = request.getfixturevalue(
        "plane" if request.param == "real" else "double"
    )
    return server


@pytest.fixture
async def api(api_server: KubernetesDouble | ControlPlane) -> AsyncIterator[Api]:
    """A fresh namespace on the double with its players, and on a real control plane."""
    name = f"t{next(numbers)}"
    if isinstance(api_server, ControlPlane):
        async with a_corner(api_server, name, real=True) as corner:
            yield corner
    else:
        async with (
            a_corner(api_server, name, real=False) as corner,
            Controllers(api_server),
            Scheduler(api_server),
        ):
            yield corner
