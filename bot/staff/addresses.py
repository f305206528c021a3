"""Where the console lives, and what counts as an address of it."""

from __future__ import annotations

import re

PREFIX = "/staff"
SIGN_IN, JOIN = f"{PREFIX}/sign-in", f"{PREFIX}/join"
_OWN = re.compile(rf"{PREFIX}(?:/[\w.~/-]*)?(?:\?[\w.~=&%+-]*)?(?:#[\w-]*)?", re.ASCII)


def own_path(given: str) -> str:
    """`given` where it is an address of the console, else that of its first page: nobody is led elsewhere."""
    return given if _OWN.fullmatch(given) else PREFIX
