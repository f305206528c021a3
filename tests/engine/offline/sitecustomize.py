"""Refuses and notes every connection and every look-up of a name beyond this machine.

Python runs this at start when its folder is on PYTHONPATH; EVENKEEL_OFFLINE_LOG names the file for the notes.
"""

from __future__ import annotations

import ipaddress
import os
import sys

_LOG = os.environ["EVENKEEL_OFFLINE_LOG"]
_LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_CONNECTIONS = ("socket.connect", "socket.sendto", "socket.sendmsg")

# uvloop connects and looks names up in C, where nothing can watch it; asyncio's own loop takes its place.
sys.modules["uvloop"] = None  # type: ignore[assignment]


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in _LOOK_UPS:
        host = arguments[0]
    elif event in _CONNECTIONS and isinstance(arguments[1], tuple):  # a Unix socket has a path instead
        host = arguments[1][0]
    else:
        return
    if not _is_here(host):
        with open(_LOG, "a", encoding="utf-8") as log:
            log.write(f"{event} {host!r} by {' '.join(sys.argv)}\n")
        raise OSError(f"offline: {event} {host!r}")


sys.addaudithook(_watch)
