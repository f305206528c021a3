"""Names are found where they are meant, and in no ordinary word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ContentError
from bot.language.lexicon import KINDS, Lexicon
from bot.language.spelling import ordinary_words
from bot.language.text import fold
from bot.settings import ROOT

FOLDER = ROOT / "data" / "lexicon"
VOCABULARY = ROOT / "data" / "vocabulary" / "bert-base-uncased.txt"
MEDICINES = ("drug", "class", "ketamine")


def entries(file: str) -> list[dict[str, Any]]:
    return yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))


def named(lexicon: Lexicon, text: str) -> set[str]:
    """The medicines, drugs and classes that are found in `text`."""
    return {m.name for m in lexicon.find(text) if m.kind in MEDICINES}


# -- the files -------------------------------------------------------------------------------------------------


def surfaces() -> Iterator[tuple[str, str]]:
    """(folded form, file and entry) of every name in the files of medicines, each once an entry."""
    for file in ("drugs.yml", "classes.yml", "combinations.yml"):
        for entry in entries(file):
            names = (entry["name"], *entry.get("brands", []), *entry.get("street", []), *entry.get("other", []))
            yield from ((fold(str(name)), f"{file}: {entry['name']}") for name in names)
    ketamine: Any = entries("ketamine.yml")
    for name in ("ketamine", "esketamine"):
        yield from ((fold(str(form)), f"ketamine.yml: {name}") for form in set(ketamine[name]))
    words: Any = entries("ambiguous.yml")
    for entry in words["words"]:
        # A class may itself be an ordinary expression ("nasal spray"): then both files name it.
        if entry.get("class") != entry["name"]:
            yield fold(str(entry["name"])), "ambiguous.yml"


def test_there_are_enough_names() -> None:
    drugs = entries("drugs.yml")
    forms = {fold(str(n)) for d in drugs for n in (d["name"], *d["brands"], *d["street"], *d["other"])}
    assert len(drugs) >= 150
    assert len(forms) >= 400
    assert len(entries("classes.yml")) >= 35


def test_no_name_of_a_medicine_stands_twice() -> None:
    places = defaultdict(list)
    for form, place in surfaces():
        places[form].append(place)
    assert not {form: where for form, where in places.items() if len(where) > 1}


@pytest.mark.parametrize("file", ["conditions.yml", "symptoms.yml", "routes.yml", "phases.yml"])
def test_no_other_name_means_two_things(file: str) -> None:
    places = defaultdict(set)
    for entry in entries(file):
        for form in (entry["name"], *entry.get("other", [])):
            places[fold(str(form))].add(entry["name"])
    assert not {form: names for form, names in places.items() if len(names) > 1}


def test_every_class_that_is_named_is_declared() -> None:
    classes = {entry["name"] for entry in entries("classes.yml")}
    asked = {c for entry in entries("classes.yml") for c in entry["parents"]}
    asked |= {c for entry in entries("drugs.yml") for c in entry["classes"]}
    assert asked <= classes


def test_every_drug_of_a_mixture_is_declared() -> None:
    drugs = {entry["name"] for entry in entries("drugs.yml")}
    assert {drug for entry in entries("combinations.yml") for drug in entry["drugs"]} <= drugs


def test_no_class_is_above_itself(lexicon: Lexicon) -> None:
    assert not [c["name"] for c in entries("classes.yml") if c["name"] in lexicon.classes_of(c["name"])]


def test_every_kind_in_the_files_is_a_kind(lexicon: Lexicon) -> None:
    assert {kind for kind, _ in lexicon.surfaces.values()} <= {*KINDS, "ambiguous"}


# -- ordinary words --------------------------------------------------------------------------------------------


def test_no_ordinary_word_is_taken_for_a_drug(lexicon: Lexicon) -> None:
    """Each of 20,000 frequent words alone, but for those that do mean a substance (`true_words`)."""
    words: Any = entries("ambiguous.yml")
    ordinary = ordinary_words(VOCABULARY)
    assert len(ordinary) >= 20_000
    taken = {word: named(lexicon, word) for word in sorted(ordinary - set(words["true_words"]))}
    assert not {word: names for word, names in taken.items() if names}


def test_a_word_that_truly_means_a_substance_finds_it(lexicon: Lexicon) -> None:
    words: Any = entries("ambiguous.yml")
    assert not [word for word in words["true_words"] if not named(lexicon, word)]


@pytest.mark.parametrize(
    "sentence",
    [
        "I had a panic attack and could not take a breath",
        "please speed up the drip",
        "a pot of tea in the garden",
        "I walked on wet grass",
        "my pcp said it is fine",
        "I have acid reflux and pain in my joints",
        "we went to bars and clubs, then I had a protein bar",
        "just a can of diet coke",
        "put an ice pack on it, no ice cream",
        "I blew, I mean blow my nose",
        "crack my knuckles",
        "my nurse molly is lovely",
        "the molecules rolled over",
        "vitamins and minerals aside, what is on the list",
        "I am on top of the world",
        "ok k thx",
    ],
)
def test_ordinary_sentences_name_no_street_drug(lexicon: Lexicon, sentence: str) -> None:
    street = {"cannabis", "amphetamine", "cocaine", "mdma", "lsd", "methamphetamine", "heroin", "phencyclidine"}
    assert not named(lexicon, sentence) & (street | {"ketamine", "alprazolam"})


# -- what is found ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("can i take Xanax with ketamine", {"alprazolam", "ketamine"}, id="a brand"),
        pytest.param("is SERTRALINE ok", {"sertraline"}, id="a generic name in capitals"),
        pytest.param("vallies and ket", {"diazepam", "ketamine"}, id="street names"),
        pytest.param("spravato at the clinic", {"esketamine"}, id="a brand of esketamine"),
        pytest.param("is it ok with SSRIs", {"ssri"}, id="a class in the plural"),
        pytest.param("blood pressure meds beforehand", {"antihypertensive"}, id="a class in plain words"),
        pytest.param("took a percocet", {"oxycodone", "paracetamol"}, id="a mixture is its drugs"),
        pytest.param("Zo\u200bloft?", {"sertraline"}, id="hidden characters"),
        pytest.param("xаnаx", {"alprazolam"}, id="look-alike letters"),
        pytest.param("zanax and ketamin", {"alprazolam", "ketamine"}, id="misspelt"),
        pytest.param("smoking pot after an infusion", {"cannabis"}, id="an ordinary word made plain by another"),
        pytest.param("did speed and then ket", {"amphetamine", "ketamine"}, id="another"),
        pytest.param("acid and molly", {"lsd", "mdma"}, id="two unclear names joined make each other plain"),
        pytest.param("coke with my adderall", {"cocaine", "amphetamine"}, id="an unclear name beside a plain one"),
    ],
)
def test_names_that_are_meant(lexicon: Lexicon, text: str, names: set[str]) -> None:
    assert named(lexicon, text) == names


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("i feel sick and my chest hurts", "symptom", "nausea"),
        ("i have bipolar", "condition", "bipolar disorder"),
        ("during the infusion", "treatment", "session"),
    ],
)
def test_other_kinds(lexicon: Lexicon, text: str, kind: str, name: str) -> None:
    assert (kind, name) in {(m.kind, m.name) for m in lexicon.find(text)}


def test_a_mention_says_where_it_stands_and_how_it_was_found(lexicon: Lexicon) -> None:
    text = "Is Zanax or pot (I smoke it) OK with Lexapro?"
    found = lexicon.find(text)
    assert [fold(text)[m.start : m.end] for m in found] == [m.surface for m in found]
    assert {m.name: m.found for m in found if m.kind == "drug"} == {
        "alprazolam": "spelling",
        "cannabis": "context",
        "escitalopram": "exact",
    }


def test_every_form_of_a_name_finds_it(lexicon: Lexicon) -> None:
    """Whatever is written in the files is found when it is all that was written, ambiguous words excepted."""
    lost = {}
    for drug in entries("drugs.yml"):
        for form in (drug["name"], *drug["brands"], *drug["street"], *drug["other"]):
            if drug["name"] not in named(lexicon, str(form)):
                lost[str(form)] = drug["name"]
    for entry in entries("classes.yml"):
        for form in (entry["name"], *entry["other"]):
            if lexicon.surfaces[fold(str(form))][0] != "ambiguous" and entry["name"] not in named(lexicon, str(form)):
                lost[str(form)] = entry["name"]
    assert not lost


def test_classes_come_with_a_drug_the_most_specific_first(lexicon: Lexicon) -> None:
    (xanax,) = lexicon.find("xanax")
    assert xanax.classes[0] == "benzodiazepine"
    assert {"sedative", "cns depressant"} <= set(xanax.classes)
    assert xanax.names == ("alprazolam", *xanax.classes)
    assert lexicon.is_member("alprazolam", "sedative")
    assert lexicon.is_member("ssri", "antidepressant")
    assert not lexicon.is_member("ssri", "benzodiazepine")
    assert lexicon.classes_of("no such name") == ()


@given(st.text(max_size=60))
def test_any_text_can_be_looked_through(lexicon: Lexicon, text: str) -> None:
    folded = fold(text)
    for mention in lexicon.find(text):
        assert folded[mention.start : mention.end] == mention.surface
        assert mention.kind in KINDS


# -- files that are wrong ----------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A whole lexicon in a few lines."""
    files = {
        "ketamine.yml": "ketamine: [ket]\nesketamine: [spravato]\ntreatment_words: [infusion]\n",
        "classes.yml": "- {name: benzodiazepine, other: [benzos], parents: []}\n",
        "drugs.yml": "- {name: alprazolam, classes: [benzodiazepine], brands: [Xanax], street: [], other: []}\n",
        "combinations.yml": "- {name: a mix, drugs: [alprazolam], other: []}\n",
        "ambiguous.yml": "words: [{name: bars, drug: alprazolam, needs: [took]}]\ntrue_words: []\n",
        **{f"{kind}.yml": "- {name: x, other: []}\n" for kind in ("conditions", "symptoms", "routes", "phases")},
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("drugs.yml", "- {name: a, classes: [no class]}\n", "no class"),
        ("drugs.yml", "- {classes: []}\n", "have a name"),
        ("classes.yml", "- {name: benzodiazepine,\n  other [}\n", "not valid YAML"),
        ("ambiguous.yml", "words: [{name: bars, drug: nothing such, needs: [took]}]\n", "nothing such"),
        ("phases.yml", None, "missing"),
    ],
)
def test_a_wrong_file_is_named(small: Path, file: str, text: str | None, says: str) -> None:
    if text is None:
        (small / file).unlink()
    else:
        (small / file).write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match=says) as raised:
        Lexicon(small, VOCABULARY)
    assert file in str(raised.value)


def test_a_small_lexicon_is_enough(small: Path) -> None:
    lexicon = Lexicon(small, VOCABULARY)
    assert named(lexicon, "took bars") == {"alprazolam"}
    assert named(lexicon, "going to bars") == set()
    assert lexicon.display["xanax"] == "Xanax"
