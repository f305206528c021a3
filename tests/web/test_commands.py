"""`serve`: the port, and that it really serves."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from bot.errors import SettingError
from bot.settings import ROOT, Settings
from bot.web.commands import addresses, listen
from tests.web.fixtures import changed


def test_a_taken_port() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=f"Port {port} is taken by another program: .* PORT={port + 1}"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.77", "no-such-host.invalid"])
def test_a_host_that_is_not_ours(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror

    if host.endswith(".invalid"):
        monkeypatch.setattr(socket, "getaddrinfo", unknown)  # without asking the network
    with pytest.raises(SettingError, match=f"HOST is '{host}'"):
        listen(host, 0)


def test_addresses(settings: Settings) -> None:
    told = addresses(changed(settings, public_url="https://chat.example"), 8080)
    assert "http://localhost:8080/" in told and "https://chat.example/" in told
    assert "visitors" not in addresses(changed(settings, public_url="http://localhost:8080", port=8080), 8080)


SERVER = """
import sys
from tests.web.fixtures import *
from bot.app import build
from bot.web.commands import listen, serve
settings = Settings.read({"EVENKEEL_VAR": sys.argv[1], "PORT": "0"})
engine = make_engine(settings.database_url)
serve(build(settings, FakeBot(engine), engine), listen("127.0.0.1", 0), settings)
print("ended well")
"""


def test_serving(tmp_path: Path) -> None:
    """From start to stop: makes its database, answers, and ends well when told to."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().rpartition(" ")[2].strip()
        with httpx.Client(base_url=address, timeout=10) as client:
            assert client.get("/health/live").json() == {"status": "ok"}
            assert client.get("/health/ready").status_code == 200
            assert "server" not in client.get("/").headers
            token = client.post("/chat/sessions", json={}).json()["token"]
            headers = {"Authorization": f"Bearer {token}"}
            answer = client.post("/chat/messages", json={"id": "1", "text": "hello"}, headers=headers)
            assert answer.status_code == 200
            assert client.post("/chat/messages", content=b"x" * 600_000, headers=headers).status_code == 413
            assert "evenkeel_messages_total" in client.get("/metrics").text
        server.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, err = server.communicate(timeout=15)
        assert time.monotonic() - began < 8
        assert "Traceback" not in err
        assert server.returncode in (0, -signal.SIGTERM)
    finally:
        server.kill()
