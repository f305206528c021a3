"""Runs the custom actions of `actions/` inside this process, through rasa_sdk's own executor.

The same actions run unchanged on a remote action server when `ACTION_ENDPOINT` is set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, overload

from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import OutputChannel
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor

from bot.engine.events import events_of
from bot.engine.lock_store import ACTION_SECONDS


class InProcessEndpoint(EndpointConfig):
    """Looks like an action server to Rasa, and is the executor itself."""

    def __init__(self, package: str = "actions") -> None:
        super().__init__(url="in-process:")
        # Rasa sends the whole domain with every call unless told that actions ask for it themselves.
        self.kwargs = {"enable_selective_domain": True}
        self._executor = ActionExecutor()
        self._executor.register_package(package)

    async def request(
        self,
        method: str = "post",
        subpath: str | None = None,
        content_type: str = "",
        compress: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Run the action named in `kwargs["json"]`; returns {"events", "responses"} as a server would."""
        return await self._executor.run(kwargs["json"])


class DumpedEvents(Sequence[dict[str, Any]]):
    """The events of a tracker as an action server is sent them, each dumped when an action looks at it."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [event.as_dict() for event in self._events[index]]
        dumped: dict[str, Any] = self._events[index].as_dict()
        return dumped

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (event.as_dict() for event in self._events)


class WatchedAction(RemoteAction):
    """A custom action that remembers its failure, which Rasa would only log; one run in process is trusted.

    The form of an answer of our own executor has been checked by `rasa_sdk` already. Rasa would check it again,
    and its JSON schema, on every call, which costs more than all the rest of a turn.
    """

    failure: Exception | None = None

    async def run(
        self,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> list[Event]:
        """The events of the action, its messages first; none where it fails, and `failure` is set."""
        try:
            async with asyncio.timeout(ACTION_SECONDS):
                if isinstance(self.action_endpoint, InProcessEndpoint):
                    return await self._run_here(self.action_endpoint, output_channel, nlg, tracker, domain)
                return await super().run(output_channel, nlg, tracker, domain)
        except Exception as error:
            self.failure = error
            return []

    async def _run_here(
        self,
        endpoint: InProcessEndpoint,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> list[Event]:
        """What Rasa's does around the call, without dumping the whole conversation for it."""
        answer = await endpoint.request(json=self._action_call_format(tracker, domain))
        messages = await self._utter_responses(answer.get("responses", []), output_channel, nlg, tracker)
        return [*messages, *events_of(answer.get("events", []))]

    def _action_call_format(self, tracker: DialogueStateTracker, domain: Domain) -> dict[str, Any]:
        if not isinstance(self.action_endpoint, InProcessEndpoint):
            return dict(super()._action_call_format(tracker, domain))
        state = tracker.current_state(EventVerbosity.NONE)
        state["events"] = DumpedEvents(list(tracker.events))
        call: dict[str, Any] = {"next_action": self._name, "sender_id": tracker.sender_id, "tracker": state}
        if domain.does_custom_action_explicitly_need_domain(self.name()):
            call["domain"] = domain.as_dict()
        return call
