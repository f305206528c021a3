"""What both sides learn from and are asked."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
import yaml

from bench import growth
from bench.driving import in_manner, manners, without_end
from bench.material import HERE, Material, read_conversations, sample, write_for_peer, write_for_us, write_sentences
from bot.settings import ROOT
from bot.training.sentences import Sentence, read_sentences


def made(**groups: int) -> list[Sentence]:
    """So many sentences of each intent."""
    return [Sentence(f"{name} {n}", name, f"aspect {n % 2}") for name, many in groups.items() for n in range(many)]


class TestSample:
    def test_every_group_keeps_its_share_and_none_is_lost(self) -> None:
        chosen = sample(made(large=800, small=190, tiny=2), 100, lambda s: s.intent)
        assert Counter(s.intent for s in chosen) == {"large": 81, "small": 19, "tiny": 1}

    def test_the_order_stays(self) -> None:
        sentences = made(one=50, two=50)
        chosen = sample(sentences, 30, lambda s: s.intent)
        assert chosen == [s for s in sentences if s in set(chosen)]

    def test_a_sentence_that_is_added_moves_few_others(self) -> None:
        before = set(sample(made(one=200), 50, lambda s: s.intent))
        after = set(sample(made(one=201), 50, lambda s: s.intent))
        assert len(before & after) >= 49

    def test_more_than_there_are_gives_all(self) -> None:
        assert sample(made(one=3), 100, lambda s: s.intent) == made(one=3)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    sentences = [
        Sentence("how long?", "ask", "time", "plain"),
        Sentence('"quoted": # odd', "ask", "time", "plain"),
        Sentence("ça va", "greet", near_miss=True, lang="fr"),
    ]
    write_sentences(sentences, tmp_path)
    assert Counter(read_sentences(tmp_path)) == Counter(sentences)


def test_both_sides_get_the_same_sentences_and_rules(tmp_path: Path) -> None:
    material = Material(made(ask=6, greet=4), [], 10)
    write_for_us(material, ROOT / "data", tmp_path / "ours")
    write_for_peer(material, ROOT / "data", tmp_path / "peer", "http://127.0.0.1:1/webhook")
    own, theirs = read_sentences(tmp_path / "ours" / "nlu"), read_sentences(tmp_path / "peer" / "data" / "nlu")
    assert own == theirs and len(own) == 10
    assert not (tmp_path / "ours" / "articles").exists(), "our importer would add the phrasings that were left out"
    rules = {path.name for path in (ROOT / "data" / "stories").glob("*.yml")}
    assert {path.name for path in (tmp_path / "peer" / "data" / "stories").iterdir()} == rules | {"fallback.yml"}


def test_the_peers_settings_are_rasas_default_ones() -> None:
    config = yaml.safe_load((HERE / "stock" / "config.yml").read_text(encoding="utf-8"))
    assert config["pipeline"] is None and config["policies"] is None


class TestConversations:
    said = [text for turns in read_conversations() for text in turns]

    def test_there_are_enough_and_none_stands_twice(self) -> None:
        assert len(self.said) > 60
        assert [text for text, times in Counter(self.said).items() if times > 1] == []

    def test_no_question_of_them_was_learned(self) -> None:
        """What is short ("hello", "next") cannot be said otherwise."""
        known = {s.text.lower() for s in read_sentences(ROOT / "data" / "nlu")}
        assert [text for text in self.said if len(text.split()) > 3 and text.lower() in known] == []

    def test_one_that_is_wrong_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "wrong.yml"
        path.write_text("conversations:\n  - [hello]\n  - []\n", encoding="utf-8")
        with pytest.raises(ValueError, match="conversation 2"):
            read_conversations(path)

    def test_no_text_is_sent_twice(self) -> None:
        conversations = read_conversations()
        sent = [t for turns in itertools.islice(without_end(conversations), 20 * len(conversations)) for t in turns]
        assert len(set(sent)) == len(sent) == 20 * len(self.said)
        assert len({in_manner("how long", manner) for manner in range(manners())}) == manners() == 200


def test_made_up_intents_are_of_like_size_and_keep_labels_whole() -> None:
    sentences = made(a=40, b=40, c=20, d=20, e=4)
    grown = growth.regrouped(sentences, 4)
    sizes = Counter(s.intent for s in grown)
    assert len(sizes) == 4 and max(sizes.values()) - min(sizes.values()) <= 20
    intents_of = {label: {n.intent for n, o in zip(grown, sentences, strict=True) if o.label == label} for label in
                  {s.label for s in sentences}}  # fmt: skip
    assert {len(intents) for intents in intents_of.values()} == {1}
