"""A bot that knows one message of every kind, so that all of them can be seen."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from bot.message import Contact, Flow, Message, Review, SourceRef, Suggestion

DISCLAIMER = "This is information, not medical advice. Ask a doctor or pharmacist about your own case."
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>{{7*7}}[x](javascript:alert(1))'

_SOURCES = (
    SourceRef(
        "Ketamine and benzodiazepines: a review of interactions", "Journal of Examples", 2021, "https://example.org/a"
    ),
    SourceRef(
        "Spravato: summary of product characteristics", "European Medicines Agency", 2022, "https://example.org/b"
    ),
    SourceRef("An old leaflet", "A hospital", None, None),
)
_CRISIS = (
    Contact(
        "988 Suicide and Crisis Lifeline", "United States", "988", {"number": "988", "body": None},
        "https://988lifeline.org", "24 hours a day", ("en", "es"),
    ),
    Contact("Crisis Text Line", "United States", None, {"number": "741741", "body": "HOME"}, None, "24 hours a day", ("en",)),
)  # fmt: skip
_STEPS = (
    "Put both feet on the floor. Let your shoulders drop.",
    "Breathe in through your nose, gently, to a count of five.",
    "Breathe out slowly, to a count of seven. Do this a few times.",
    "Name five things that you can see.",
    "The surge passes. You are doing well.",
)


class RichBot:
    """Chooses its answer by a word in the question; `gate` holds answers back, `error` makes them fail."""

    def __init__(self) -> None:
        self.ready = True
        self.turns: list[Any] = []
        self.forgotten: list[str] = []
        self.gate: asyncio.Event | None = None
        self.failures = 0
        self._wish: str | None = None
        self._numbers = itertools.count(1)

    @property
    def missing(self) -> tuple[str, ...]:
        return () if self.ready else ("model",)

    async def handle(self, turn: Any) -> list[Message]:
        self.turns.append(turn)
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise RuntimeError("as told")
        said = (turn.text or "").lower()
        self._wish = "forget" if "delete my data" in said else "dont_keep" if "don't keep" in said else None
        if turn.button:
            return [self._button(turn.button)]
        if "and my heart" in said:
            return [self._emergency(), self._answer(said)]
        for word, make in (
            ("die", self._crisis),
            ("chest", self._emergency),
            ("panicking", lambda: self._step(1)),
            ("which", self._clarify),
            ("weather", lambda: self._plain("refusal", "That is outside what I know.", category="out_of_scope")),
            ("hello", lambda: self._plain("smalltalk", "Hello. What would you like to know?", category="smalltalk")),
            ("asdf", self._fallback),
            ("hola", lambda: self._plain("smalltalk", "Hola. ¿Qué quieres saber?", lang="es")),
            ("shalom", lambda: self._plain("smalltalk", "שלום, מה שלומך", lang="he")),
            ("delete my data", lambda: self._plain("smalltalk", "This conversation has been deleted.")),
            ("don't keep", lambda: self._plain("smalltalk", "All right. It is not kept.")),
            ("hostile", self._hostile),
        ):
            if word in said:
                return [make()]
        return [self._answer(turn.text or "")]

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)

    def wish(self, conversation: str) -> str | None:
        return self._wish

    def _id(self) -> str:
        return f"message-{next(self._numbers)}-{id(self)}"

    def _plain(self, kind: Any, lead: str, **more: Any) -> Message:
        return Message(self._id(), kind, lead, **more)

    def _answer(self, said: str) -> Message:
        return Message(
            self._id(),
            "answer",
            "Benzodiazepines such as Xanax can make ketamine treatment work less well, and both together can make you very sleepy.",
            topic="interactions",
            aspects=("specific",),
            details=(
                "Clinics often ask people not to take one on the day of a session. Do not stop it by yourself: stopping "
                "suddenly can be dangerous.",
                "Tell the clinic about all your medicines before you start.",
            ),
            sources=_SOURCES,
            review=Review("reviewed", "2026-10-01", "Dr A. Example") if "reviewed" in said else Review("unreviewed"),
            suggestions=(
                Suggestion("b-alcohol", "What about alcohol?"),
                Suggestion("b-wait", "How long should I wait?"),
                Suggestion("b-panic", "Can ketamine cause panic?"),
            ),
            disclaimer=DISCLAIMER,
        )

    def _button(self, button: str) -> Message:
        if button.startswith("step-"):
            step = int(button[5:])
            if step > len(_STEPS):
                return self._plain("smalltalk", "Good. Rest for a moment before you go on.")
            return self._step(step)
        return self._answer(button)

    def _step(self, step: int) -> Message:
        return Message(
            self._id(),
            "safety",
            _STEPS[step - 1],
            category="panic_now",
            details=("Chest pain, fainting or trouble breathing: call the emergency number.",) if step == 1 else (),
            flow=Flow("panic_exercise", step, len(_STEPS)),
            suggestions=(Suggestion(f"step-{step + 1}", "Next step"), Suggestion("step-9", "I feel better")),
            disclaimer=DISCLAIMER,
        )

    def _crisis(self) -> Message:
        return Message(
            self._id(),
            "safety",
            "I am glad that you said it. You do not have to be alone with this. Please talk to somebody now.",
            category="crisis_selfharm",
            details=("If you may act on it, call 911 now, or go to the nearest emergency department.",),
            contacts=_CRISIS,
            suggestions=(Suggestion("b-safe", "I am safe for now"),),
            disclaimer=DISCLAIMER,
        )

    def _emergency(self) -> Message:
        return Message(
            self._id(),
            "safety",
            "Chest pain can be an emergency. Call 911 now, or ask somebody near you to call.",
            category="medical_emergency",
            details=("Do not drive yourself.",),
            contacts=(Contact("Emergency services", "United States", "911"),),
            disclaimer=DISCLAIMER,
        )

    def _clarify(self) -> Message:
        return self._plain(
            "clarify",
            "I want to be sure that I answer the right thing. Which of these do you mean?",
            suggestions=(Suggestion("b-1", "Before a session"), Suggestion("b-2", "After a session")),
        )

    def _fallback(self) -> Message:
        return self._plain("fallback", "I did not understand that. Could you say it in other words?")

    def _hostile(self) -> Message:
        return Message(
            self._id(),
            "answer",
            HOSTILE,
            details=(HOSTILE,),
            sources=(
                SourceRef(HOSTILE, HOSTILE, None, "javascript:window.hacked=1"),
                SourceRef("data", "x", None, "data:text/html,<script>window.hacked=1</script>"),
            ),
            review=Review("reviewed", HOSTILE, HOSTILE),
            suggestions=(Suggestion("b-1", HOSTILE),),
            contacts=(
                Contact(
                    HOSTILE, HOSTILE, "javascript:alert(1)", {"number": "javascript:", "body": HOSTILE}, "javascript:1"
                ),
            ),
            flow=Flow(HOSTILE, 1, 5),
            lang='en" onload="window.hacked=1',
            disclaimer=HOSTILE,
        )
