"""What becomes of the running placement, as one sentence."""

from scheduler.domain.plan import Adoption, Ruling
from scheduler.render.figures import duration, money

NOTHING_LEFT = 0.005
"""USD per hour: less than a cent is nothing to save."""


def adoption_text(adoption: Adoption) -> str:
    """`adopted: saves 2.10 USD/h, the change costs 0.76 USD once and is paid back in 22 min`."""
    match adoption.ruling:
        case Ruling.FIRST:
            return f"first: nothing runs yet{_price(adoption)}"
        case Ruling.KEPT:
            return f"kept: {_nothing_better(adoption)}"
        case Ruling.ADOPTED:
            return f"adopted: {_saving(adoption)}{_price(adoption)}{_paid_back(adoption)}"
        case Ruling.FORCED:
            return f"forced, what runs cannot stay: {adoption.because}{_price(adoption, '; ')}"


def _nothing_better(adoption: Adoption) -> str:
    """Doing nothing is a decision: the bound says what it may have left on the table."""
    most = adoption.at_most_usd_per_hour
    if most is None:
        return "nothing better was found, and nothing is proven"
    if most < NOTHING_LEFT:
        return "proven, no change pays for itself"
    return f"proven, no change saves more than {money(most)} USD/h beyond its price"


def _saving(adoption: Adoption) -> str:
    return f"saves {money(adoption.saves_usd_per_hour or 0.0)} USD/h"


def _price(adoption: Adoption, pause: str = ", ") -> str:
    if not adoption.horizon_hours:
        return ""
    return f"{pause}the change costs {money(adoption.price_usd)} USD once"


def _paid_back(adoption: Adoption) -> str:
    minutes = adoption.pays_back_minutes
    if not adoption.horizon_hours or minutes is None:
        return ""
    within = duration(3600.0 * adoption.horizon_hours)
    return f" and is paid back in {duration(60.0 * minutes)} of {within}"
