"""The bot as channels see it: a message goes in, structured messages come out, whatever happens on the way.

    clean, mask -> read (embed) -> screen -> dialogue engine -> messages

The screen looks before anything else does. When the engine fails or takes too long, the reply is made from the
screen's finding alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.errors import EngineError, SettingError
from bot.language.text import MOST_CHARACTERS, clean
from bot.message import Message
from bot.ops.masking import mask
from bot.ops.steps import note, stage
from bot.settings import Settings
from bot.training.manifest import Manifest

if TYPE_CHECKING:
    from actions.wording import Responses
    from bot.articles.store import ArticleStore
    from bot.engine.engine import Engine, Outcome
    from bot.language.reader import Reader
    from bot.screen.findings import Finding
    from bot.screen.help import Help
    from bot.screen.screen import Screen

_log = logging.getLogger(__name__)

#: Seconds that a person waits for the dialogue before the screen's finding answers alone.
PATIENCE = 5.0
#: What an action that was taken means for the channel, whatever was said before.
_WISHES = {"action_delete_confirmed": "forget", "action_dont_keep": "dont_keep"}
# What looks like a command or a template of the engine, at the beginning of a text.
_COMMAND = re.compile(r"\s*(/[a-z_]|SlotSet\b|SetSlots?\b|\{\{|\$\{|<%|%\w+%|utter_|action_)", re.IGNORECASE)


@dataclass(frozen=True)
class Turn:
    """One message of a person. Either `text` or `button` (the opaque id of a suggestion) is set.

    Attributes:
        conversation: key of the conversation; message_id: the platform's or client's id of this message.
        channel: "web", "telegram", …
        country, time_zone, locale: what the page or platform says of the person (ISO 3166, IANA, BCP 47).
    """

    conversation: str
    text: str | None = None
    button: str | None = None
    channel: str = "web"
    country: str | None = None
    time_zone: str | None = None
    locale: str | None = None
    message_id: str = ""


@dataclass(frozen=True)
class Reasons:
    """Why a turn got its reply; for people who test the bot.

    Attributes:
        finding: what the screen found; parse: how the text was read; trace: the passages that were weighed.
        seconds: how long each part took; failed: whether the dialogue failed and the reply was made without it.
        before, slots: what was remembered before and after the turn.
        steps: the actions that were taken, each {"action", "policy", "confidence"}.
    """

    finding: Mapping[str, Any] | None = None
    parse: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    failed: bool = False
    before: Mapping[str, Any] = field(default_factory=dict)
    slots: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()


class Bot:
    """Answers turns. `start` first; then `handle` from any task."""

    def __init__(self, settings: Settings, engine: Engine | None = None) -> None:
        """
        Args:
            engine: a dialogue engine; None makes one from the settings, with conversations in the database.
        """
        self._settings = settings
        self._engine = engine
        #: Which model files may be loaded; whoever brings an engine has chosen its model.
        self._trusted = Manifest.of(settings) if engine is None else None
        self._models = ""
        self._reader: Reader | None = None
        self._screen: Screen | None = None
        self._help: Help | None = None
        self._failure = ""
        self._goes_along: frozenset[str] = frozenset()
        self._wishes: dict[str, str] = {}
        self._drafts = False

    def start(self) -> None:
        """Load everything. Safety comes first: its data must be there; the engine may fail and be reported.

        Raises:
            EvenkeelError: data that the safe replies need is missing or wrong.
        """
        from bot.language.encoder import shared_encoder

        with ThreadPoolExecutor(1) as beside:  # its native code loads while Python imports the rest
            encoder = beside.submit(shared_encoder(self._settings.data).load)
            from bot.screen.help import Help

            self._help = Help(self._settings.data, self._settings)
            self._models = self._trusted.state if self._trusted else ""
            self._screen = self._load_screen()
            wording = _wording(self._settings)
            self._failure = wording.text("failure", "lead")
            self._goes_along = frozenset(wording.list("panic", "goes_along"))
            from bot.language.reader import shared_reader

            self._reader = shared_reader(self._settings.data)
            if self._engine is None:
                assert self._trusted is not None
                self._engine = _engine(self._settings, self._trusted)
            encoder.result()
        self._engine.start()
        self._warm()

    def _load_screen(self) -> Screen:
        """The screen; its patterns alone where its trained part is not trusted."""
        from bot.screen.screen import Screen

        weights = self._settings.models / "screen"
        if self._trusted is not None and not self._trusted.trusts(weights):
            _log.error("The model of the safety screen is not the one that was trained or accepted here.")
            weights = self._settings.models / "none"
        return Screen(self._settings.data, weights)

    def _warm(self) -> None:
        """Run what is loaded on first use now, so that the first visitor does not wait for it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            assert self._engine is not None
            try:
                asyncio.run(self._engine.parse("what is ketamine"))
                if not self._settings.action_endpoint:
                    from actions.needs import needs

                    needs().store.topics()
            except Exception as error:  # a first message says more, and gets its reply all the same
                _log.error("Warming up failed: %s", type(error).__name__)

    @property
    def ready(self) -> bool:
        """Whether it can answer: dialogue and screen are loaded, the screen perhaps with its patterns alone."""
        return bool(self._screen and self._engine and self._engine.ready)

    @property
    def missing(self) -> tuple[str, ...]:
        """What could not be loaded: "model" (nothing can be answered), "screen classifier" (patterns look alone)."""
        incomplete = self._screen is not None and not self._screen.complete
        return (*(() if self.ready else ("model",)), *(("screen classifier",) if incomplete else ()))

    @property
    def articles(self) -> ArticleStore:
        """What answers are taken from in this process."""
        from actions.needs import needs

        return needs().store

    def keep_up(self) -> bool:
        """Answer from what is published and trained now; True where the content had changed.

        Blocks; cheap where nothing had changed. Messages that are being handled end with what they began with.

        Raises:
            EvenkeelError: there is a new model that cannot be used; the one before goes on.
        """
        self._keep_up_with_models()
        return not self._settings.action_endpoint and self.articles.refresh_if_changed()

    def _keep_up_with_models(self) -> None:
        if self._trusted is None or self._engine is None or self._models == (state := self._trusted.state):
            return
        self._models = state
        screen = self._load_screen()
        if screen.complete or self._screen is None:
            self._screen = screen
        self._engine.start()
        _log.info("New models are in use.")

    def aside(self, *, drafts: bool = False) -> Bot:
        """A bot for people who test: it shares what is loaded, but its conversations are its own and live in memory.

        Args:
            drafts: answer from the newest draft of each passage where there is one, instead of what is published.

        Raises:
            EngineError: the engine has not been started.
            SettingError: drafts are wanted, but the actions run on a server of their own.
        """
        if drafts and self._settings.action_endpoint:
            raise SettingError("Drafts can only be tried where actions run in process: leave ACTION_ENDPOINT empty.")
        if self._engine is None:
            raise EngineError("The bot has not been started.")
        other = copy.copy(self)
        other._engine = self._engine.aside()
        other._wishes, other._drafts = {}, drafts
        return other

    @property
    def model(self) -> str:
        """What the dialogue model is called, and when it was trained; empty without one."""
        return self._engine.model if self._engine is not None else ""

    async def events(self, conversation: str) -> list[dict[str, Any]]:
        """Rasa's events of a conversation, oldest first, as plain types; empty where there is none."""
        return await self._engine.events(conversation) if self._engine is not None and self._engine.ready else []

    async def handle(self, turn: Turn) -> list[Message]:
        """The messages in answer to `turn`: at least one, always."""
        messages, _ = await self.explain(turn)
        return messages

    def first_aid(self, turn: Turn) -> list[Message]:
        """The reply to a danger in `turn` from the screen alone; nothing where there is none, and nothing is kept."""
        text = mask(clean(turn.text or ""))
        finding = self._look(text, turn, None) if text and self._screen is not None else None
        danger = finding is not None and finding.category != "refuse_dosing"
        return self._without_engine(finding, turn, text) if danger else []

    async def explain(self, turn: Turn) -> tuple[list[Message], Reasons]:
        """As `handle`, with the reasons."""
        began = time.perf_counter()
        text = mask(clean(turn.text or ""))
        too_long = len(text) > MOST_CHARACTERS
        flow = await self._flow(turn.conversation) if turn.button is None else None
        began_to_look = time.perf_counter()
        finding = self._look(text, turn, flow) if turn.button is None else None
        looked = time.perf_counter()
        outcome = await self._converse(turn, text[:MOST_CHARACTERS], finding, too_long, flow)
        ended = time.perf_counter()
        note(
            "turn",
            channel=turn.channel,
            danger=finding.category if finding else None,
            failed=outcome is None,
            screen=looked - began_to_look,
            dialogue=ended - looked,
            seconds=ended - began,
        )
        seconds = {"screen": looked - began_to_look, "dialogue": ended - looked, "all": ended - began}
        found = finding.to_dict() if finding else None
        if outcome is None:
            return self._without_engine(finding, turn, text), Reasons(found, seconds=seconds, failed=True)
        self._note(turn.conversation, outcome.steps)
        messages = [Message.from_dict(m) for m in outcome.messages]
        trace = outcome.slots.get("trace") or {}
        reasons = Reasons(found, outcome.parse, trace, seconds, False, outcome.before, outcome.slots, outcome.steps)
        return messages, reasons

    async def close(self) -> None:
        """Give back what other processes may wait for; nothing is handled any more."""
        if self._engine is not None:
            await self._engine.close()

    async def forget(self, conversation: str) -> None:
        """Remove a conversation from the tracker store and from memory."""
        self._wishes.pop(conversation, None)
        if self._engine is not None:
            await self._engine.forget(conversation)
        if self._reader is not None:
            self._reader.forget()

    async def replay(self, turn: Turn) -> list[Message] | None:
        """The messages of a turn that was handled before, rendered again and not run again; None where it was not."""
        if self._engine is None or not self._engine.ready or not turn.message_id:
            return None
        said, steps = await self._engine.replay(turn.conversation, turn.message_id)
        self._note(turn.conversation, steps)
        return [Message.from_dict(m) for m in said] if said else None

    def wish(self, conversation: str) -> str | None:
        """What a person asked for in words in the turn just handled: "forget", "dont_keep" or None; told once."""
        return self._wishes.pop(conversation, None)

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _flow(self, conversation: str) -> str | None:
        """The guided conversation that goes on, which makes the screen more watchful; None when it cannot be told."""
        if self._engine is None or not self._engine.ready:
            return None
        try:
            found = await self._engine.slot(conversation, "flow")
        except Exception as error:  # the screen looks all the same
            _log.error("The flow of a conversation could not be read: %s", type(error).__name__)
            return None
        return str(found) if found else None

    def _look(self, text: str, turn: Turn, flow: str | None) -> Finding | None:
        assert self._screen is not None
        if not text:
            return None
        flow = "panic" if (flow or "").startswith("panic") else None
        try:
            if len(text) <= MOST_CHARACTERS and self._reader is not None:
                with stage("read"):
                    reading = self._reader.read(text)
                with stage("screen"):
                    return self._screen.look(reading, flow, turn.text)
        except Exception as error:
            _log.error("The screen failed on a reading (%s); its patterns look alone.", type(error).__name__)
        return self._screen.look_text(turn.text or "", self._reader, flow)

    async def _converse(
        self, turn: Turn, text: str, finding: Finding | None, too_long: bool, flow: str | None
    ) -> Outcome | None:
        from bot.engine.engine import Turn as EngineTurn

        if self._engine is None or not self._engine.ready:
            return None
        metadata: dict[str, Any] = {
            "country": turn.country,
            "time_zone": turn.time_zone,
            "locale": turn.locale,
            "channel": turn.channel,
            "too_long": too_long and finding is None,
        }
        if finding is not None:
            metadata |= {"finding": finding.to_dict(), "flow": flow}
        try:
            choice, words = await self._meant(turn, text, finding, too_long, flow)
            asked = EngineTurn(turn.conversation, words, metadata, choice, turn.message_id, turn.channel)
            drafts = await asyncio.to_thread(_draft_content) if self._drafts else contextlib.nullcontext()
            with drafts, stage("dialogue"):
                return await asyncio.wait_for(self._engine.handle(asked), PATIENCE)
        except Exception as error:  # whatever it is, the person gets a reply
            _log.error("The dialogue could not answer: %s", type(error).__name__)
            return None

    async def _meant(
        self, turn: Turn, text: str, finding: Finding | None, too_long: bool, flow: str | None
    ) -> tuple[Mapping[str, Any] | None, str]:
        """What the engine is told instead of interpreting the text, if anything, and the words of the turn."""
        if turn.button is not None:
            assert self._engine is not None
            offered = (await self._engine.slots(turn.conversation)).get("offered") or []
            pressed = next((o for o in offered if o["id"] == turn.button), None)
            if pressed is None:
                return {"intent": "out_of_scope"}, ""
            if "say" in pressed["choice"]:
                return None, pressed["choice"]["say"]
            return pressed["choice"], pressed["title"]
        if finding is not None:
            return None, text
        if not text or too_long:
            return {"intent": "out_of_scope"}, text
        if flow == "panic_exercise" and text.lower().strip(" .!,") in self._goes_along:
            return {"intent": "next_step"}, text
        return ({"intent": "typed_command"}, text) if _COMMAND.match(text) else (None, text)

    def _without_engine(self, finding: Finding | None, turn: Turn, text: str) -> list[Message]:
        assert self._help is not None
        if finding is not None:
            country = self._help.country(text=text, page=turn.country, time_zone=turn.time_zone)
            return [self._help.reply(finding, country)]
        return [Message(uuid.uuid4().hex, "fallback", self._failure)]

    def _note(self, conversation: str, steps: Iterable[Mapping[str, Any]]) -> None:
        """Remember what the channel must do after these actions."""
        for step in steps:
            if (wish := _WISHES.get(str(step["action"]))) is not None:
                self._wishes[conversation] = wish


def _wording(settings: Settings) -> Responses:
    from actions.wording import responses

    return responses(settings.data / "responses")


def _draft_content() -> contextlib.AbstractContextManager[None]:
    """Within it, actions answer from drafts. Reads what has changed, so it is called in a thread."""
    from actions.needs import using, with_drafts

    given = with_drafts()
    given.store.refresh_if_changed()
    return using(given)


def _engine(settings: Settings, trusted: Manifest) -> Engine:
    from bot.engine.engine import Engine
    from bot.engine.tracker_store import DatabaseTrackerStore

    conversations, locks = DatabaseTrackerStore.of(settings.database_url), None
    if settings.redis_url:
        from bot.engine.redis_locks import RedisLockStore

        locks = RedisLockStore(settings.redis_url, settings.redis_prefix)
    return Engine(settings.models, settings.action_endpoint, conversations, locks, trusted.check)
