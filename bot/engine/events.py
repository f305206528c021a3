"""Events from their stored form, with the class of each looked up in a table.

Rasa walks through all classes of events for every event that it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from rasa.shared.core.events import Event
from rasa.shared.utils.common import all_subclasses


@cache
def _classes() -> Mapping[str, type[Event]]:
    # Where a name stands twice, Rasa takes the class that it meets first.
    return {cls.type_name: cls for cls in reversed(all_subclasses(Event)) if getattr(cls, "type_name", None)}


def events_of(dumped: Iterable[dict[str, Any]]) -> list[Event]:
    """The events that were dumped as dictionaries; a dictionary that names none is left out, as Rasa does.

    Raises:
        ValueError: there is no event of that name.
    """
    found = []
    for parameters in dumped:
        if "event" not in parameters:
            continue
        cls = _classes().get(parameters["event"])
        event = cls._from_parameters(parameters) if cls else Event.from_parameters(parameters)
        if event:
            found.append(event)
    return found
