"""Two small plans written by hand: an evening peak that goes to spot, and a night that shrinks."""

from scheduler.domain.actions import (
    Action,
    Drain,
    Grow,
    Guarded,
    Held,
    Place,
    Receipt,
    Release,
    Resume,
    Shift,
    Suspend,
    Vacate,
)
from scheduler.domain.names import ActionKey, ClusterName, NodeName, PolicyName, PoolName
from scheduler.domain.names import WorkloadName as W
from scheduler.domain.places import Contract, Exposure
from scheduler.domain.plan import (
    Adoption,
    BillLine,
    BindingLine,
    BurstLine,
    MissingLine,
    PlacementLine,
    Plan,
    PoolLine,
    Proof,
    Ruling,
    ServiceLine,
)
from scheduler.domain.readings import Freshness

DC, AWS = ClusterName("hangzhou-dc"), ClusterName("aws-virginia")
PRICES = {
    "dc-a100": (6.40, 8),
    "dc-v100": (2.10, 4),
    "aws-g5-spot": (1.90, 4),
    "aws-p4d": (32.77, 8),
}


def a_pool(name: str, before: int, after: int, used: float = 0.0, because: str = "") -> PoolLine:
    price, gpus = PRICES.get(name, (1.0, 8))
    public = name.startswith("aws")
    spot = name.endswith("spot")
    rented = Contract.SPOT if spot else Contract.ON_DEMAND
    return PoolLine(
        pool=PoolName(name),
        cluster=AWS if public else DC,
        exposure=Exposure.PUBLIC if public else Exposure.PRIVATE,
        contract=rented if public else Contract.OWNED,
        before=before,
        after=after,
        usd_per_node_hour=price,
        gpus_per_node=gpus,
        gpus_used=used,
        because=because,
    )


def a_placement(
    workload: str,
    pool: str,
    pods: tuple[int, int],
    share: tuple[float, float] = (0.0, 0.0),
    rps: float = 0.0,
    because: str = "",
) -> PlacementLine:
    return PlacementLine(
        workload=W(workload),
        pool=PoolName(pool),
        cluster=AWS if pool.startswith("aws") else DC,
        is_job=rps == 0.0,
        before=pods[0],
        after=pods[1],
        share_before=share[0],
        share_after=share[1],
        capacity_rps=rps,
        because=because,
    )


def a_service(
    name: str,
    rps: float,
    predicted_s: float | None = 0.041,
    freshness: Freshness = Freshness.FRESH,
    held: bool = False,
) -> ServiceLine:
    return ServiceLine(
        service=W(name),
        rps=rps,
        freshness=freshness,
        objective_s=0.060,
        quantile=0.95,
        predicted_s=predicted_s,
        held=held,
        because=f"{rps:,.0f} requests/s expected until a new node could serve, margin included",
    )


def a_proof(objective: float, bound: float, kept: bool = False) -> Proof:
    return Proof(solver="highs-milp", objective=objective, bound=bound, kept=kept)


def an_empty_plan() -> Plan:
    return Plan(
        pools=(),
        placements=(),
        services=(),
        missing=(),
        bursts=(),
        bill=(),
        binding=(),
        notes=(),
        proof=a_proof(0.0, 0.0),
    )


def an_evening() -> Plan:
    """The peak: private is full, search goes to spot, the nightly training waits."""
    return Plan(
        pools=(
            a_pool("aws-g5-spot", 2, 5, 18, "470 requests/s of search-ranking find no private GPU"),
            a_pool("aws-p4d", 0, 0),
            a_pool("dc-a100", 4, 4, 32, "owned"),
            a_pool("dc-v100", 3, 3, 6, "owned"),
        ),
        placements=(
            a_placement(
                "search-ranking",
                "aws-g5-spot",
                (6, 18),
                (0.31, 0.62),
                5022,
                "cheapest GPU that is left",
            ),
            a_placement(
                "search-ranking", "dc-a100", (4, 4), (0.69, 0.38), 3100, "owned, already paid"
            ),
            a_placement("home-recs", "dc-v100", (6, 6), (1.0, 1.0), 900, "owned, already paid"),
            a_placement("ranker-nightly", "dc-a100", (2, 0), because="gives way to search-ranking"),
        ),
        services=(a_service("home-recs", 700), a_service("search-ranking", 8100, 0.0512)),
        missing=(
            MissingLine(
                workload=W("ranker-nightly"),
                amount=1,
                wanted=1,
                is_job=True,
                because="no private pool has 16 free A100: click-logs may not leave hangzhou-dc",
                remedy="raise dc-a100 nodes.max from 4 to 6, or let aws-virginia hold private data",
            ),
        ),
        bursts=(
            BurstLine(
                workload=W("search-ranking"),
                pool=PoolName("aws-g5-spot"),
                because="dc-a100 and dc-v100 are full",
                remedy="2 more dc-a100 nodes bring it back",
            ),
        ),
        bill=(
            BillLine(policy=PolicyName("cost"), usd_per_hour=41.4),
            BillLine(policy=PolicyName("load-balancing"), usd_per_hour=0.0),
            BillLine(policy=PolicyName("response-time"), usd_per_hour=1.0837),
            BillLine(policy=PolicyName("spot-risk"), usd_per_hour=0.0142),
        ),
        binding=(
            BindingLine(
                policy=PolicyName("physics"),
                words="GPUs of dc-a100: all 32 are taken",
                usd_per_hour=3.1,
            ),
        ),
        notes=("azure-east is not seen (no answer in 20 s): frozen as it was at 18:36.",),
        proof=a_proof(42.4979, 42.49),
        adoption=Adoption(
            ruling=Ruling.ADOPTED,
            saves_usd_per_hour=31.7,
            price_usd=3.42,
            horizon_hours=1.0,
            at_most_usd_per_hour=0.0079,
        ),
    )


def evening_actions() -> Guarded:
    return Guarded(
        allowed=(
            Grow(**_on("aws-g5-spot", "search-ranking needs 12 pods more"), before=2, nodes=5),
            Suspend(**_on("dc-a100", "gives way"), workload=W("ranker-nightly"), pods=2),
            Place(
                **_on("aws-g5-spot", "private is full"),
                workload=W("search-ranking"),
                before=6,
                pods=18,
                share=0.62,
            ),
            Shift(
                **_on("dc-a100", "its part is less than before"),
                workload=W("search-ranking"),
                pods=4,
                before=0.69,
                share=0.38,
            ),
        ),
        held=(
            Held(
                action=Drain(
                    **_on("dc-v100", "surplus"),
                    nodes=(NodeName("dc-v100-1"), NodeName("dc-v100-2")),
                ),
                why="quiet hours until 06:00 Asia/Shanghai",
            ),
        ),
    )


def a_night() -> Plan:
    """The night: spot goes home, the training starts, and one reading is stale."""
    return Plan(
        pools=(
            a_pool("aws-g5-spot", 5, 0, 0, "nothing needs it any more"),
            a_pool("aws-p4d", 0, 1, 8, "bulk-embed meets its deadline only here"),
            a_pool("dc-a100", 4, 4, 20, "owned"),
        ),
        placements=(
            a_placement(
                "search-ranking", "aws-g5-spot", (18, 0), (0.62, 0.0), 5022, "private has room"
            ),
            a_placement(
                "search-ranking", "dc-a100", (4, 4), (0.38, 1.0), 3100, "owned, already paid"
            ),
            a_placement("bulk-embed", "aws-p4d", (0, 1), because="deadline 09:00"),
            a_placement("ranker-nightly", "dc-a100", (0, 2), because="16 GPUs are free"),
        ),
        services=(
            a_service("search-ranking", 2900, 0.0655, Freshness.STALE, held=True),
            a_service("tryout", 12, None),
        ),
        missing=(
            MissingLine(
                workload=W("tryout"),
                amount=12,
                wanted=12,
                is_job=False,
                because="no allowed pool has an H100",
                remedy="add a pool with H100, or give tryout a speed for A100-40GB",
            ),
        ),
        bursts=(),
        bill=(BillLine(policy=PolicyName("cost"), usd_per_hour=58.37),),
        binding=(),
        notes=(),
        proof=a_proof(58.37, 55.0),
        adoption=Adoption(
            ruling=Ruling.FORCED,
            because="aws-g5-spot has more nodes (5) than it may (0)",
            price_usd=1.06,
            horizon_hours=1.0,
            at_most_usd_per_hour=3.37,
        ),
    )


def night_actions() -> Guarded:
    nodes = tuple(NodeName(f"aws-g5-spot-{number}") for number in range(5))
    return Guarded(
        allowed=(
            Grow(**_on("aws-p4d", "bulk-embed"), before=0, nodes=1),
            Resume(**_on("dc-a100", "16 GPUs are free"), workload=W("ranker-nightly"), pods=2),
            Drain(**_on("aws-g5-spot", "surplus for 5 min"), nodes=nodes),
            Release(**_on("aws-g5-spot", "drained"), nodes=nodes[:1]),
        ),
        held=(),
    )


def room_making() -> Vacate:
    """Two nodes are emptied for the nightly training."""
    nodes = (NodeName("dc-a100-1"), NodeName("dc-a100-2"))
    why = "ranker-nightly needs 16 GPUs in one place: its free GPUs are scattered"
    return Vacate(**_on("dc-a100", why), nodes=nodes, workload=W("ranker-nightly"))


def receipts(guarded: Guarded, **outcomes: str) -> tuple[Receipt, ...]:
    """Accepted, unless a word is given for the action's kind."""
    return tuple(_receipt(action, outcomes) for action in guarded.allowed)


def _receipt(action: Action, outcomes: dict[str, str]) -> Receipt:
    kind = type(action).__name__.lower()
    return Receipt(action=action, outcome=outcomes.get(kind, "accepted"), detail="")


def _on(pool: str, why: str) -> dict:
    cluster = AWS if pool.startswith("aws") else DC
    return {"key": ActionKey(f"{pool}/1"), "cluster": cluster, "pool": PoolName(pool), "why": why}
