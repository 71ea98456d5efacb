"""Prices in force: a reading where it can be believed, else the list price."""

from math import isfinite

from scheduler.domain.names import PoolName
from scheduler.domain.places import NodePool
from scheduler.domain.readings import Freshness, Signal
from scheduler.domain.snapshot import Snapshot

PRICE_FRESH_S = 7 * 86400.0
"""Prices are change points: one stays in force until the next, on spot markets often for days."""
PRICE_LIMIT = 10.0
"""A reading this many times above the list price is taken for a broken feed."""


def current_price(snapshot: Snapshot, pool: NodePool) -> tuple[float, str]:
    """USD per node and hour now, and in words which price that is."""
    listed = pool.usd_per_node_hour
    series = snapshot.readings.find(Signal.PRICE, pool.name)
    newest = series.last() if series else None
    if series is None or newest is None:
        return listed, "list price: no price reading"
    at, price = newest
    age = _age(snapshot.now - at)
    if series.freshness(snapshot.now, PRICE_FRESH_S) is not Freshness.FRESH:
        return listed, f"list price: the newest price reading is {age} old"
    refused = _refusal(price, listed)
    if refused:
        return listed, f"list price: a reading of {price:g} USD/h was refused, {refused}"
    return price, f"price reading, {age} old"


def prices_in_force(snapshot: Snapshot) -> tuple[dict[PoolName, float], tuple[str, ...]]:
    """Prices that differ from the list, and a sentence for each reading that was refused."""
    prices, doubts = {}, []
    for name, pool in snapshot.fleet.pools.items():
        price, words = current_price(snapshot, pool)
        if price != pool.usd_per_node_hour:
            prices[name] = price
        if "refused" in words or ("old" in words and words.startswith("list")):
            doubts.append(f"{name}: {words}")
    return prices, tuple(doubts)


def _refusal(price: float, listed: float) -> str:
    if not isfinite(price):
        return "it is no number"
    if price <= 0.0:
        return "it is not above zero"
    if listed > 0.0 and price > PRICE_LIMIT * listed:
        return f"it is more than {PRICE_LIMIT:g} times the list price of {listed:g} USD/h"
    return ""


def _age(seconds: float) -> str:
    seconds = max(0.0, seconds)
    return f"{seconds / 3600.0:.1f} h" if seconds >= 3600.0 else f"{seconds / 60.0:.0f} min"
