"""Runs the custom actions of `actions/` inside this process, through rasa_sdk's own executor.

The same actions run unchanged on a remote action server when `ACTION_ENDPOINT` is set.
"""

from __future__ import annotations

from typing import Any

from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import Event
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor


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


class WatchedAction(RemoteAction):
    """A custom action that remembers its failure, which Rasa would only log; one run in process is trusted.

    The form of an answer of our own executor has been checked by `rasa_sdk` already. Rasa would check it again,
    and its JSON schema, on every call, which costs more than all the rest of a turn.
    """

    failure: Exception | None = None

    def _validate_action_result(self, result: dict[str, Any]) -> bool:
        if isinstance(self.action_endpoint, InProcessEndpoint):
            return True
        return super()._validate_action_result(result)

    async def run(self, *args: Any, **kwargs: Any) -> list[Event]:
        try:
            return await super().run(*args, **kwargs)
        except Exception as error:
            self.failure = error
            return []
