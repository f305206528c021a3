"""What the pages of mending share, made from the console when it is first needed."""

from __future__ import annotations

import asyncio
from functools import cached_property, lru_cache

from actions.wording import responses
from bot.articles.source_files import Section
from bot.message import Message, Review
from bot.staff.console import Console
from bot.staff.mending.background import make_queue
from bot.staff.mending.catalogue import Catalogue
from bot.staff.mending.checks import Checker, Looked, shared_checker
from bot.staff.mending.editing import Editing
from bot.staff.mending.health import Health
from bot.staff.mending.preview import message_of
from bot.staff.mending.proposals import Known, Proposals, known_sentences
from bot.staff.mending.queue import Queue


class Desk:
    """Where content is mended. The parts read files when they are first used: use them in a thread."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.catalogue = Catalogue(console.engine)
        self.health = Health(console.engine)

    @cached_property
    def checker(self) -> Checker:
        """The checks of drafts."""
        return shared_checker(self._console.settings.data)

    @cached_property
    def editing(self) -> Editing:
        """Drafts, approval, publication."""
        return Editing(self._console.engine, self.checker)

    @cached_property
    def queue(self) -> Queue:
        """What went wrong."""
        return make_queue(self._console.settings, self._console.engine)

    @cached_property
    def proposals(self) -> Proposals:
        """Sentences to learn."""
        return Proposals(self._console.engine, self.editing)

    @property
    def known(self) -> Known:
        """The training sentences."""
        return known_sentences(self._console.settings.data / "nlu")

    def look(self, section: Section, topic: str) -> Looked:
        """The checks of a draft."""
        return self.checker.look(section, topic, self.catalogue.taken())

    def message(self, section: Section, topic: str, review: Review) -> Message:
        """The answer that a draft would be."""
        disclaimer = responses(self._console.settings.data / "responses").text("disclaimer")
        return message_of(section, topic, review, self.checker.content, disclaimer)

    async def published(self) -> None:
        """Serve in this process what has just been published; the others follow within seconds."""
        keep_up = getattr(self._console.bot, "keep_up", None)
        await asyncio.to_thread(keep_up or self._console.articles.refresh_if_changed)


@lru_cache(maxsize=4)
def desk_of(console: Console) -> Desk:
    """The desk of a console."""
    return Desk(console)
