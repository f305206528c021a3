"""The country of a person: what they said first, then what is inferred; never from a language."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.screen.places import Places

SAID = [
    ("I live in Ireland", "IE"),
    ("i'm in glasgow and want to die", "GB"),
    ("what number do i call in the US", "US"),
    ("uk", "GB"),
    ("we are in new zealand", "NZ"),
    ("estoy en España", "ES"),
    ("ich bin in Deutschland", "DE"),
    ("je suis en France", "FR"),
    ("i'm from canada", "CA"),
    ("located in Mumbai", "IN"),
]
NOT_SAID = [
    "tell us more",
    "my sister in canada is ill",
    "is it legal in japan",
    "a trip to turkey",
    "i am ill",
    "quiero morir",
    "polish my shoes",
]


@pytest.fixture(scope="module")
def places(data: Path) -> Places:
    return Places(data / "screen" / "countries.yml")


@pytest.mark.parametrize(("text", "country"), SAID, ids=[text for text, _ in SAID])
def test_what_a_person_says_comes_first(places: Places, text: str, country: str) -> None:
    place = places.find(text, page="AU", operator="US", phone="+33123456", time_zone="Europe/Rome")
    assert place.country == country


@pytest.mark.parametrize("text", NOT_SAID)
def test_what_says_nothing_about_the_person(places: Places, text: str) -> None:
    assert places.find(text).country is None


def test_order(places: Places) -> None:
    known = {"page": "AU", "operator": "US", "phone": "+447700900123", "time_zone": "Asia/Calcutta"}
    for origin, country in (("page", "AU"), ("operator", "US"), ("phone", "GB"), ("time_zone", "IN")):
        place = places.find("hello", **known)
        assert (place.country, place.origin) == (country, origin) and place.inferred
        known[origin] = ""
    assert places.find("hello", **known).country is None


def test_said_is_not_inferred(places: Places) -> None:
    assert not places.find("i live in ireland").inferred
    assert places.find("i'm in dublin").inferred  # a city may be another one


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+1 647 555 0199", "CA"),
        ("+12125550199", "US"),
        ("0044 7700 900123", "GB"),
        ("+353851234567", "IE"),
        ("07700900123", None),
        ("", None),
        (None, None),
    ],
)
def test_phone_prefixes(places: Places, number: str | None, country: str | None) -> None:
    assert places.of_phone(number) == country


@pytest.mark.parametrize("page", ["xx", "", "english", "en-US", None])
def test_what_is_no_country_is_not_taken_for_one(places: Places, page: str | None) -> None:
    assert places.find("", page=page).country is None


def test_uk_is_understood_as_gb(places: Places) -> None:
    assert places.find("", page="uk").country == "GB"
