"""The last states of a conversation, read off its last events.

Rasa replays a conversation from its beginning for every prediction. A rule looks at as many states as it is long.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    Event,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker

#: Events that undo others or open a loop: what they leave behind is found by replaying alone.
UNUSUAL = (
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    LoopInterrupted,
    Restarted,
    UserUtteranceReverted,
)


def is_plain(events: Iterable[Event]) -> bool:
    """Whether the state after `events` follows from the last event of each kind."""
    return not any(isinstance(event, UNUSUAL) for event in events)


@dataclass(frozen=True)
class _Moment:
    """What Rasa's domain looks at when it makes a state; stands in for a tracker of that time."""

    latest_message: UserUttered
    latest_action: dict[str, str]
    slots: dict[str, Slot]
    active_loop: None = None


def last_states(tracker: DialogueStateTracker, domain: Domain, count: int) -> list[State] | None:
    """The last `count` states of `tracker` (fewer where it has fewer), the newest last, as `past_states` gives them.

    None where the events are not plain and Rasa must replay them.
    """
    events = list(tracker.events)
    if not is_plain(events):
        return None
    # A session's beginning resets everything that came before it.
    started = next((i for i in range(len(events) - 1, -1, -1) if isinstance(events[i], SessionStarted)), -1)
    events = events[started + 1 :]
    states = [domain.get_active_state(tracker)]
    influential = {name: slot for name, slot in tracker.slots.items() if slot.influence_conversation}
    for i in range(len(events) - 1, -1, -1):
        if len(states) == count:
            break
        if isinstance(events[i], ActionExecuted):
            states.append(domain.get_active_state(_before(events, i, influential)))
    return states[::-1]


def _before(events: Sequence[Event], end: int, influential: dict[str, Slot]) -> Any:
    """The moment before `events[end]`."""
    message: UserUttered | None = None
    action: ActionExecuted | None = None
    values: dict[str, Any] = {}
    for i in range(end - 1, -1, -1):
        event = events[i]
        if isinstance(event, SlotSet):
            values.setdefault(event.key, event.value)
        elif message is None and isinstance(event, UserUttered):
            message = event
        elif action is None and isinstance(event, ActionExecuted):
            action = event
        if message is not None and action is not None and values.keys() >= influential.keys():
            break
    slots = {}
    for name, slot in influential.items():
        slots[name] = then = copy.copy(slot)
        then.reset()
        if name in values:
            then.value = values[name]
    return _Moment(message or UserUttered.empty(), action.as_sub_state() if action else {}, slots)
