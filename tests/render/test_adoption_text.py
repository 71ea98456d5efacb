"""What becomes of the running placement, in one sentence."""

import pytest

from scheduler.domain.plan import Adoption, Ruling
from scheduler.render.adoption_text import adoption_text

FIRST = Adoption(ruling=Ruling.FIRST, price_usd=1.5, horizon_hours=2.0)
KEPT = Adoption(ruling=Ruling.KEPT, horizon_hours=1.0, at_most_usd_per_hour=0.25)
PROVEN = Adoption(ruling=Ruling.KEPT, horizon_hours=1.0, at_most_usd_per_hour=0.0)
UNPROVEN = Adoption(ruling=Ruling.KEPT)
ADOPTED = Adoption(ruling=Ruling.ADOPTED, saves_usd_per_hour=2.1, price_usd=0.76, horizon_hours=1.0)
FREE = Adoption(ruling=Ruling.ADOPTED, saves_usd_per_hour=2.1)
FORCED = Adoption(
    ruling=Ruling.FORCED, because="old is no longer declared", price_usd=3.0, horizon_hours=1.0
)


@pytest.mark.parametrize(
    ("adoption", "text"),
    [
        (FIRST, "first: nothing runs yet, the change costs 1.50 USD once"),
        (KEPT, "kept: proven, no change saves more than 0.25 USD/h beyond its price"),
        (PROVEN, "kept: proven, no change pays for itself"),
        (UNPROVEN, "kept: nothing better was found, and nothing is proven"),
        (
            ADOPTED,
            "adopted: saves 2.10 USD/h, the change costs 0.76 USD once"
            " and is paid back in 21 min of 1 h",
        ),
        (FREE, "adopted: saves 2.10 USD/h"),
        (
            FORCED,
            "forced, what runs cannot stay: old is no longer declared;"
            " the change costs 3.00 USD once",
        ),
    ],
)
def test_it_is_said_in_one_sentence(adoption: Adoption, text: str) -> None:
    assert adoption_text(adoption) == text


@pytest.mark.parametrize("saves", [None, 0.0, -1.0])
def test_what_saves_nothing_is_never_paid_back(saves: float | None) -> None:
    adoption = Adoption(ruling=Ruling.ADOPTED, saves_usd_per_hour=saves, price_usd=1.0)
    assert adoption.pays_back_minutes is None
