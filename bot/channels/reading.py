"""Reading JSON that somebody else made: nothing is believed of its shape."""

from __future__ import annotations

import json
import math
from typing import Any

from bot.channels.arrivals import Malformed


def json_object(body: bytes | str) -> dict[str, Any]:
    """The JSON object in `body`.

    Raises:
        Malformed: there is none.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Malformed("The body is not a JSON object.")
    return value


def as_object(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[dict[str, Any]]:
    """The objects in `value` where it is a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """`value` where it is a text, or a whole number as one; else nothing."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def as_number(value: Any) -> float | None:
    """`value` as a finite number where it is one, also where it is written as a text."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
