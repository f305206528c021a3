"""Starting, watching and ending what is measured; sizes; the lock of the peer."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.driving import drive, without_end
from bench.processes import BenchError, Program, drop_from_memory, family, megabytes, resident, spend
from bench.sides import Say, Side, environment
from bench.stock import environment as stock


def test_a_family_is_all_descendants() -> None:
    assert family([1], {1: 0, 2: 1, 3: 2, 4: 9, 5: 3}) == {1, 2, 3, 5}


def test_what_a_program_took_is_known(tmp_path: Path) -> None:
    spent = spend([sys.executable, "-c", "sum(range(3_000_000))"], tmp_path, os.environ, tmp_path / "log")
    assert 0 < spent.processor < 30 and 0 < spent.clock < 60


def test_a_program_that_fails_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="ended with 3"):
        spend([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, os.environ, tmp_path / "log")


@pytest.mark.skipif(sys.platform != "linux", reason="memory of other processes is read from /proc")
def test_a_program_is_ended_with_what_it_started(tmp_path: Path) -> None:
    child = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    program = Program([sys.executable, "-c", f"{child}; print('x', flush=True); time.sleep(60)"], tmp_path, os.environ, tmp_path / "log")  # fmt: skip  # noqa: E501
    while not (tmp_path / "log").read_text(encoding="utf-8"):
        program.check()
    assert resident([program.pid]) > 1
    program.stop()
    assert resident([program.pid]) == 0
    with pytest.raises(BenchError, match="A server ended"):
        program.check()


def test_sizes_count_files_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1_000_000)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert megabytes([tmp_path]) == 1.0
    assert megabytes([tmp_path / "a"]) == 1.0
    drop_from_memory([tmp_path])


def test_installed_packages_are_counted_with_their_bytecode(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text("# a comment\nsmall_one==1.0 \\\n    --hash=sha256:00\nelsewhere==2 ; sys_platform == 'nowhere'\n")
    info = tmp_path / "small_one-1.0.dist-info"
    (tmp_path / "__pycache__").mkdir()
    info.mkdir()
    (info / "METADATA").write_text("Name: small-one\nVersion: 1.0\n")
    (info / "RECORD").write_text("small.py,,\n__pycache__/small.cpython-310.pyc,,\n")
    (tmp_path / "small.py").write_bytes(b"x" * 600_000)
    (tmp_path / "__pycache__" / "small.cpython-310.pyc").write_bytes(b"x" * 400_000)
    assert stock.locked(lock) == ["small-one"]
    assert stock.installed_size(lock, tmp_path) == 1.0
    lock.write_text("missing==1.0\n")
    with pytest.raises(BenchError, match="missing is locked"):
        stock.installed_size(lock, tmp_path)


def test_the_peers_lock_has_hashes_and_no_addresses() -> None:
    text = stock.LOCK.read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert not re.search(r"index-url|find-links|trusted-host|@ |/", re.sub(r"sha256:\w+", "", text))
    assert re.search(r"^rasa==3\.6\.21 ", text, re.MULTILINE) and re.search(r"^tensorflow==", text, re.MULTILINE)


def test_settings_of_the_bot_do_not_reach_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENKEEL_DATA", "elsewhere")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    given = environment(PORT="1")
    assert "EVENKEEL_DATA" not in given and "DATABASE_URL" not in given
    assert given["PORT"] == "1" and given["RASA_TELEMETRY_ENABLED"] == "false"


class Echo(Side):
    """Answers at once, every tenth time with nothing."""

    said: list[tuple[int, str]] = []

    def start(self, processes: int = 1) -> None:
        """It answers in this process."""

    async def open(self, client: object, number: int) -> Say:
        async def say(text: str) -> list[dict[str, object]]:
            self.said.append((number, text))
            return [] if len(self.said) % 10 == 0 else [{"kind": "answer"}]

        return say


async def test_a_side_is_asked_as_often_as_was_wanted_and_in_order(tmp_path: Path) -> None:
    echo, kinds = Echo(tmp_path), Counter[str]()
    echo.said = []
    load = await drive(echo, without_end([["one", "two"], ["three"]]), 4, 50, kinds)
    assert len(load.seconds) == len(echo.said) == 50
    assert load.silent == 5 and kinds == {"answer": 45, "none": 5}
    assert echo.said[0] == (0, "one") and load.clock > 0


def test_another_side_is_first_each_time() -> None:
    assert [bench._in_turns(["a", "b"], n) for n in range(3)] == [["a", "b"], ["b", "a"], ["a", "b"]]


def test_only_a_whole_record_of_a_training_is_kept(tmp_path: Path) -> None:
    record = tmp_path / "training.json"
    assert bench._record(record) is None
    record.write_text('{"clock": 1.0}')
    assert bench._record(record) is None
    record.write_text('{"clock": 1.0, "processor": 2.0, "mark": "x"}')
    assert bench._record(record) == {"clock": 1.0, "processor": 2.0, "mark": "x"}
