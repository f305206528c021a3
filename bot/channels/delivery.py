"""Works the queue off: for each channel some conversations at a time, the urgent ones first.

A conversation holds one place while it is worked on. One that waits (for a platform that is slow to take
its reply, or that asked us to come back later) gives its place back or keeps only its own, so that nobody else waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from bot.channels.client import CLOSED, MOST_ATTEMPTS, Outcome, wait_before
from bot.channels.dialogue import Answerer, Dialogue, restored
from bot.channels.figures import Figures
from bot.channels.people import Seal
from bot.channels.platform import Platform
from bot.channels.queue import (
    LEASE,
    Became,
    Buried,
    Dropped,
    Handled,
    Later,
    Person,
    Queue,
    Sent,
    Step,
    ToHandle,
    ToSend,
)
from bot.database.models import now
from bot.errors import EvenkeelError
from bot.ops.logs import describe
from bot.ops.steps import Way, given_id, new_id, note, stage, within

_log = logging.getLogger(__name__)

#: Conversations of one channel that are worked on at a time, and messages that the dialogue answers at a time.
PLACES, ANSWERING = 24, 3
#: With more than BUSY webhooks in a WINDOW of seconds, or WAITING at once, taking them in goes before answering them:
#: only the urgent are answered at once, the others at TRICKLE a second until it is calmer.
BUSY, WINDOW, WAITING, TRICKLE = 12, 0.25, 12, 4
#: Seconds between two looks for work while it is busy.
_BUSY_LOOK = 0.15
#: Seconds between two looks for work that another process may have left or brought.
LOOK = 1.0
#: A dialogue that fails is tried this often.
_TRIES = 4
#: Steps that a conversation may take before others get its place.
_STEPS = 20
#: Seconds that a signal (typing, read) may take; one for a message that waited longer than this helps nobody.
_SIGNAL, _TIMELY = 4.0, 5.0


class Delivery:
    """The workers of one process."""

    def __init__(
        self,
        platforms: Mapping[str, Platform],
        queue: Queue,
        dialogue: Dialogue,
        bot: Answerer,
        seal: Seal,
        figures: Figures,
    ) -> None:
        self._platforms, self._queue, self._dialogue = platforms, queue, dialogue
        self._bot, self._seal, self._figures = bot, seal, figures
        self._answering = asyncio.Semaphore(ANSWERING)
        self._wake = {name: asyncio.Event() for name in platforms}
        self._held: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._slow_until: dict[str, float] = {}
        self._webhooks: deque[float] = deque(maxlen=BUSY)
        self._inside, self._busy_until = 0, 0.0
        self._trickled = 0.0
        self._stopping = False

    def wake(self, channel: str) -> None:
        """There is something new to do."""
        self._wake[channel].set()

    @contextlib.contextmanager
    def receiving(self) -> Iterator[None]:
        """A webhook is being taken in as long as the context lasts."""
        self._webhooks.append(time.monotonic())
        self._inside += 1
        if self._inside >= WAITING:
            self._busy_until = time.monotonic() + 1.0
        try:
            yield
        finally:
            self._inside -= 1

    @property
    def busy(self) -> bool:
        """Whether so many webhooks come, or wait to be taken in, that answering has to wait."""
        moment = time.monotonic()
        many = len(self._webhooks) == BUSY and moment - self._webhooks[0] < WINDOW
        return many or moment < self._busy_until

    def _only_urgent(self) -> bool:
        """Whether the next conversation must be an urgent one."""
        moment = time.monotonic()
        if not self.busy:
            return False
        if moment - self._trickled >= 1 / TRICKLE:
            self._trickled = moment
            return False
        return True

    async def run(self) -> None:
        """Work until cancelled; then finish what is being done."""
        loops = [self._serve(platform) for platform in self._platforms.values()]
        started = [asyncio.create_task(loop) for loop in [*loops, self._renew()]]
        started += [asyncio.create_task(self._start(platform)) for platform in self._platforms.values()]
        try:
            await asyncio.gather(*started)
        finally:
            self._stopping = True
            for task in started:
                task.cancel()
            await asyncio.gather(*started, return_exceptions=True)
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=5)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    async def _start(self, platform: Platform) -> None:
        try:
            await platform.start()
        except Exception as error:
            _log.warning("%s could not be asked about the bot: %s", platform.title, describe(error))

    # -- finding work ------------------------------------------------------------------------------------------

    async def _serve(self, platform: Platform) -> None:
        places = asyncio.Semaphore(PLACES)
        wake = self._wake[platform.name]
        while True:
            wake.clear()
            try:
                await places.acquire()
                urgent, claimed, pause, held = self._only_urgent(), None, LOOK, tuple(self._held)
                if self._bot.ready:
                    claimed = await self._queue.run(self._queue.claim, platform.name, urgent, held)
                if urgent and claimed is None:
                    places.release()
                    await asyncio.sleep(_BUSY_LOOK)
                    continue
                if claimed is None and self._bot.ready:
                    soon = await self._queue.run(self._queue.seconds_to_next, platform.name, held)
                    pause = LOOK if soon is None else min(LOOK, soon + 0.005)
            except Exception as error:
                _log.error("%s: the queue could not be read: %s", platform.title, describe(error))
                claimed, pause = None, LOOK
            if claimed is None:
                places.release()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), pause)
                continue
            self._held.add(claimed[0].conversation)
            task = asyncio.create_task(self._converse(platform, *claimed))
            self._tasks.add(task)
            task.add_done_callback(partial(self._done, places, wake))

    def _done(self, places: asyncio.Semaphore, wake: asyncio.Event, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        places.release()
        wake.set()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            if self._held:
                try:
                    await self._queue.run(self._queue.renew, list(self._held))
                except Exception as error:
                    _log.error("Locks on conversations could not be renewed: %s", describe(error))

    # -- working -----------------------------------------------------------------------------------------------

    async def _converse(self, platform: Platform, person: Person, step: Step) -> None:
        """Take the steps of one conversation, one after the other."""
        with within(new_id(), self._figures) as way:
            await self._take_steps(platform, person, step, way)

    async def _take_steps(self, platform: Platform, person: Person, step: Step, way: Way) -> None:
        conversation = person.conversation
        try:
            for taken in range(_STEPS):
                became = await self._do(platform, person, step, way)
                # While it is busy, what is not urgent goes on when its turn comes again.
                pauses = self.busy and not (isinstance(step, ToHandle) and step.urgent)
                last = self._stopping or pauses or taken + 1 == _STEPS
                following = await self._queue.run(self._queue.advance, conversation, became, last)
                if isinstance(became, Handled) and became.wish == "forget":
                    await self._bot.forget(conversation)
                if following is None:
                    if person.forget:
                        await self._queue.run(self._queue.erase)
                    return
                person, step = following
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The lock runs out by itself; whoever takes it finds everything as it was.
            _log.error("%s: a conversation could not be worked on: %s", platform.title, describe(error))
        finally:
            self._held.discard(conversation)

    async def _do(self, platform: Platform, person: Person, step: Step, way: Way) -> Became:
        if isinstance(step, ToHandle):
            return await self._handle(platform, person, step, way)
        return await self._send(platform, person, step)

    async def _handle(self, platform: Platform, person: Person, step: ToHandle, way: Way) -> Became:
        try:
            body = self._seal.open(step.body, platform.name)
        except EvenkeelError as error:
            _log.error("%s: %s", platform.title, error)
            return Buried(step, "cannot be opened: SECRET_KEY has changed")
        way.request = given_id(str(body.get("request", "")))  # that of the webhook which brought it
        waited = (now() - step.at).total_seconds()
        signalling = asyncio.create_task(self._signal(platform, body if waited < _TIMELY and not self.busy else {}))
        try:
            async with self._answering:
                handled = await self._dialogue.handle(platform, person, step, body)
            seconds = (now() - step.at).total_seconds()
            self._figures.handled(platform.name, seconds)
            note("answered", channel=platform.name, attempt=step.attempt, waited=waited, seconds=seconds)
            return handled
        except Exception as error:
            _log.error("%s: a message could not be answered: %s", platform.title, describe(error))
            if step.attempt < _TRIES:
                return Later(step, wait_before(step.attempt, None), type(error).__name__)
            return self._dialogue.failed(platform, step, body)
        finally:
            # Sent before the reply is, or not at all: a late "typing" would stay on the screen.
            if not signalling.done():
                await asyncio.wait([signalling], timeout=0.3)
                signalling.cancel()

    async def _signal(self, platform: Platform, body: Mapping[str, Any]) -> None:
        if not body:
            return
        try:
            async with asyncio.timeout(_SIGNAL):
                await platform.signal(restored(body))
        except Exception:
            self._figures.sent(platform.name, "no signal")

    async def _send(self, platform: Platform, person: Person, step: ToSend) -> Became:
        slow = self._slow_until.get(platform.name, 0.0) - time.monotonic()
        if slow > 0:
            return Later(step, slow, "the platform asked us to wait")
        try:
            request = self._seal.open(step.request, platform.name)
        except EvenkeelError as error:
            _log.error("%s: %s", platform.title, error)
            return Buried(step, "cannot be opened: SECRET_KEY has changed")
        window = platform.may_write(request)
        if window is not None and now() - person.last_seen > window - timedelta(minutes=1):
            return self._give_up(platform, step, Outcome("refused", CLOSED))
        try:
            with stage("send"):
                outcome = await platform.send(request)
        except Exception as error:
            _log.error("%s: a reply could not be sent: %s", platform.title, describe(error))
            outcome = Outcome("later", type(error).__name__, maybe=True)
        note("sent", channel=platform.name, delivery=step.id, kind=step.kind, attempt=step.attempt, state=outcome.state)
        return self._judge(platform, step, outcome)

    def _judge(self, platform: Platform, step: ToSend, outcome: Outcome) -> Became:
        if outcome.state == "sent":
            self._figures.sent(platform.name, "sent")
            return Sent(step.id)
        if outcome.state == "unwanted":
            self._figures.sent(platform.name, "unwanted")
            return Dropped(step.id, outcome.error)
        if outcome.state == "refused" or step.attempt >= MOST_ATTEMPTS:
            return self._give_up(platform, step, outcome)
        seconds = wait_before(step.attempt, outcome.after)
        if outcome.after is not None and platform.slows_all:
            self._slow_until[platform.name] = time.monotonic() + outcome.after
        self._figures.sent(platform.name, "later")
        return Later(step, seconds, outcome.error, outcome.maybe)

    def _give_up(self, platform: Platform, step: ToSend, outcome: Outcome) -> Buried:
        self._figures.sent(platform.name, "dead")
        _log.error(
            "%s: reply %d (%s) was given up after %d tries: %s. `python -m bot channels dead list` shows what is left.",
            platform.title, step.id, step.kind, step.attempt, outcome.error,
        )  # fmt: skip
        return Buried(step, outcome.error)
