"""Rasa's own commands on a small bot with our components, in processes of their own and without the network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import Toy

pytestmark = pytest.mark.compat


def test_train(toy: Toy) -> None:
    assert toy.model.is_file()


def test_data_validate(toy: Toy) -> None:
    done = toy.run("rasa", "data", "validate")
    assert done.returncode == 0, done.stderr
    assert "Story structure validation" in done.stdout + done.stderr


def test_data_validate_finds_a_fault(toy: Toy, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(
        'version: "3.1"\nrules:\n  - rule: x\n    steps: [{intent: no_such_intent}, {action: utter_greet}]\n'
    )
    done = toy.run("rasa", "data", "validate", "--fail-on-warnings", "--data", str(rules), "data/nlu.yml")
    assert done.returncode != 0
    assert "no_such_intent" in done.stdout + done.stderr


def test_test(toy: Toy) -> None:
    done = toy.run("rasa", "test", "--nlu", "data/nlu.yml", "--stories", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    results = toy.folder / "results"
    report = json.loads((results / "intent_report.json").read_text(encoding="utf-8"))
    assert report["accuracy"] == 1
    stories = json.loads((results / "story_report.json").read_text(encoding="utf-8"))
    assert stories["conversation_accuracy"]["accuracy"] == 1
    assert (results / "intent_confusion_matrix.png").stat().st_size > 1000


def test_shell_nlu(toy: Toy) -> None:
    done = toy.run("rasa", "shell", "nlu", said="can i take zanax\n/stop\n")
    assert '"value": "alprazolam"' in done.stdout, done.stdout + done.stderr
    assert '"intent_ranking"' in done.stdout


def test_shell(toy: Toy) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = toy.run("rasa", "shell", "--port", str(port), said="good morning\n/stop\n")
    assert "Hello there." in done.stdout, done.stdout + done.stderr


def test_nothing_left_this_machine(toy: Toy) -> None:
    """Of all commands above: no connection and no look-up beyond loopback."""
    assert toy.offline_log.read_text(encoding="utf-8") == ""


def test_the_watch_itself_sees_what_it_should(offline: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    environment, _ = offline
    log = tmp_path / "wanted.log"
    attempts = """
import asyncio, socket, urllib.request
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
    lambda: socket.getaddrinfo("example.invalid", 443),
    lambda: urllib.request.urlopen("http://telemetry.invalid/", timeout=1),
    lambda: asyncio.run(asyncio.open_connection("loop.invalid", 443)),
):
    try:
        attempt()
    except OSError as error:
        print(error)
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
"""
    subprocess.run([sys.executable, "-c", attempts], env={**environment, "EVENKEEL_OFFLINE_LOG": str(log)}, check=True)
    noted = log.read_text(encoding="utf-8")
    assert [name in noted for name in ("192.0.2.1", "example.invalid", "telemetry.invalid", "loop.invalid")] == [
        True
    ] * 4
    assert "localhost" not in noted and "127.0.0.1" not in noted
