"""Every safety reply, in every language, for every kind of place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot.errors import ContentError
from bot.message import Message
from bot.screen.findings import CATEGORIES, Finding
from bot.screen.help import _SITUATIONS, Help
from bot.screen.helplines import MAIN, Helplines
from bot.screen.languages import NAMED
from bot.screen.places import Place

LANGUAGES = ("en", *NAMED, "unknown")
COUNTRIES = (None, *MAIN, "DE", "FR", "PL", "BR", "ZA")
ASPECTS = sorted(
    {(category, aspect) for category, aspects in _SITUATIONS.items() for aspect in aspects}
    | {(c, "") for c in CATEGORIES}
)

AMOUNT = re.compile(
    r"\b\d+([.,]\d+)?\s*(mg|mcg|µg|ug|ml|g|grams?|milligrams?|mg/kg|sprays?|lines?|bumps?|points?)\b", re.IGNORECASE
)
EMERGENCY_NUMBER = re.compile(r"\b(911|999|112|000|111)\b")
NEVER = [
    r"just (a )?panic",
    r"only (a )?panic",
    r"paper bag",
    r"make them vomit",
    r"sleep it off(?!\.)",
    r"you will be fine",
    r"nothing to worry",
    r"you have (panic disorder|bipolar|psychosis)",
    r"aspirin",
    r"confidential",
    r"not dangerous",
    r"(take|skip|stop|reduce) your (medicine|dose|tablet)",
    r"\bcommit suicide\b",
    r"\baddict",
    r"\babuse",
]


def text_of(message: Message) -> str:
    return "\n".join([message.lead, *message.details])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("category", "aspect"), ASPECTS, ids=[f"{c}-{a or 'general'}" for c, a in ASPECTS])
def test_every_reply_can_be_given_everywhere(help_: Help, category: str, aspect: str, language: str) -> None:
    for country in COUNTRIES:
        for certain in (True, False):
            finding = Finding(category, 1.0, "both", aspect=aspect, language=language, certain_language=certain)  # type: ignore[arg-type]
            message = help_.reply(finding, Place(country, "page") if country else Place())
            text = text_of(message)
            assert "{" not in text and "  " not in text
            assert not AMOUNT.search(text), AMOUNT.search(text)
            assert message.category == category
            if category in ("medical_emergency", "urgent_care", "panic_now"):
                assert EMERGENCY_NUMBER.search(text), (
                    f"{category}, {aspect}, {language}, {country}: no emergency number"
                )
            if category == "crisis_selfharm":
                assert message.contacts
                assert re.search(r"\d{3}|https://", text), f"{aspect}, {language}, {country}: nobody to reach"


@pytest.mark.parametrize(("category", "aspect"), ASPECTS, ids=[f"{c}-{a or 'general'}" for c, a in ASPECTS])
def test_what_must_never_be_said(help_: Help, category: str, aspect: str) -> None:
    for country in (None, "GB", "US"):
        text = text_of(help_.reply(Finding(category, 1.0, "both", aspect=aspect), country)).lower()  # type: ignore[arg-type]
        for rule in NEVER:
            if rule == r"sleep it off(?!\.)" and "do not leave anybody" in text:
                continue
            assert not re.search(rule, text), f"{category}, {aspect}: {rule}"


def test_a_crisis_begins_with_taking_it_seriously_and_the_number(help_: Help) -> None:
    lead = help_.reply(Finding("crisis_selfharm", 1.0, "both"), "GB").lead
    assert "seriously" in lead and "116 123" in lead and "United Kingdom" in lead


def test_after_an_act_the_emergency_number_comes_first(help_: Help) -> None:
    message = help_.reply(Finding("crisis_selfharm", 1.0, "both", aspect="acted"), "US")
    assert "911" in message.lead and message.contacts[0].call == "911"
    assert "988" in text_of(message)


def test_an_emergency_begins_with_the_call(help_: Help) -> None:
    for aspect in ("", "unresponsive", "chest_pain", "overdose", "stroke"):
        assert "999" in help_.reply(Finding("medical_emergency", 1.0, "both", aspect=aspect), "GB").lead


def test_the_panic_check_names_signs_and_never_rules_an_emergency_out(help_: Help) -> None:
    message = help_.reply(Finding("panic_now", 1.0, "both"), "IE")
    text = text_of(message)
    assert "can feel the same" in text and "Chest pain" in text and "not sure, call 112 or 999" in text
    assert [s.id for s in message.suggestions] == ["danger_yes", "danger_no", "danger_unsure"]
    assert "breathe" not in text.lower()


def test_without_a_country_no_number_stands_for_everybody(help_: Help) -> None:
    text = text_of(help_.reply(Finding("crisis_selfharm", 1.0, "both"), None))
    for name in ("United States", "Canada", "United Kingdom", "Ireland", "Australia", "New Zealand", "India"):
        assert name in text
    assert "https://findahelpline.com" in text


def test_an_inferred_country_is_named_and_may_be_changed(help_: Help) -> None:
    inferred = help_.reply(Finding("crisis_selfharm", 1.0, "both"), help_.country(time_zone="Europe/London"))
    assert "United Kingdom" in inferred.lead
    assert any(s.id == "elsewhere" and "United Kingdom" in s.title for s in inferred.suggestions)
    said = help_.reply(Finding("crisis_selfharm", 1.0, "both"), help_.country("i live in the uk"))
    assert not any(s.id == "elsewhere" for s in said.suggestions)


def test_few_words_of_another_language_get_both(help_: Help) -> None:
    message = help_.reply(Finding("crisis_selfharm", 1.0, "both", language="es", certain_language=False), "ES")
    assert "seriously" in message.lead and "me lo tomo en serio" in text_of(message)


def test_regional_variants_of_a_number_stay_with_their_country(help_: Help) -> None:
    for country in ("GB", "NZ"):
        for contact in help_.reply(Finding("crisis_selfharm", 1.0, "both"), country).contacts:
            assert contact.country in ("United Kingdom", "New Zealand")
    assert "111" not in text_of(help_.reply(Finding("medical_emergency", 1.0, "both"), "GB")).replace("NHS 111", "")


def test_poison_lines_where_they_fit(help_: Help) -> None:
    child = text_of(help_.reply(Finding("medical_emergency", 1.0, "both", aspect="child"), "US"))
    assert "1-800-222-1222" in child and "Awake and breathing normally?" in child
    assert "1-800-222-1222" not in text_of(
        help_.reply(Finding("medical_emergency", 1.0, "both", aspect="chest_pain"), "US")
    )


def test_turns_of_a_crisis_keep_the_number(help_: Help) -> None:
    for message in (help_.misunderstood("US"), help_.still_here("US"), help_.safe("US")):
        assert "988" in text_of(message)
    assert "988" in help_.remind("US") and help_.remind("US").count("\n") == 0
    assert "112 or 999 (Ireland)" in help_.emergency_number("IE")


def test_a_wording_with_an_unknown_gap_is_refused_at_start(data: Path, tmp_path: Path) -> None:
    copy(data, tmp_path)
    path = tmp_path / "screen" / "replies.yml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("Call {emergency} now", "Call {emergancy} now", 1), encoding="utf-8"
    )
    with pytest.raises(ContentError, match="emergancy"):
        Help(tmp_path)


@pytest.mark.parametrize(
    "change",
    [('number: "999"', "number: null"), ("verified: true", "verified: false")],
    ids=["no number", "not verified"],
)
def test_a_main_country_without_its_number_is_refused_at_start(
    data: Path, tmp_path: Path, change: tuple[str, str]
) -> None:
    copy(data, tmp_path)
    path = tmp_path / "helplines.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ContentError, match="emergency number"):
        Helplines(path)


def test_only_verified_numbers_are_shown(data: Path) -> None:
    table = yaml.safe_load((data / "helplines.yml").read_text(encoding="utf-8"))["countries"]
    shown = Helplines(data / "helplines.yml")
    for code, entry in table.items():
        for kind in ("emergency", "poison", "crisis"):
            for service in entry.get(kind) or ():
                assert {"seen", "checked", "fact", "verified"} <= set(service), service
                if not service["verified"] and (service["number"] or service["text"]):
                    assert service["service"] not in {s.service for s in shown.of(code, kind)}


def copy(data: Path, to: Path) -> None:
    (to / "screen").mkdir()
    for name in ("helplines.yml", "screen/replies.yml", "screen/countries.yml"):
        (to / name).write_bytes((data / name).read_bytes())
