"""What the Makefile, the locks and .env.example promise."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.settings import Settings
from scripts import bootstrap
from scripts.setup_parts import environment

ROOT = Path(__file__).resolve().parents[2]
RUN, DEV, *OTHERS = (
    ROOT / f"requirements{name}.lock" for name in ("", "-dev", "-tools", "-audit", "-tracing", "-broker")
)  # fmt: skip


def packages(lock: Path) -> dict[str, str]:
    """Name -> the whole entry of each package in `lock`."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text(encoding="utf-8").strip())
    return {entry.partition("==")[0]: entry for entry in entries if "==" in entry.partition("\n")[0]}


@pytest.mark.parametrize("lock", [RUN, DEV, *OTHERS], ids=lambda path: path.name)
class TestLocks:
    def test_each_package_has_hashes(self, lock):
        assert packages(lock)
        assert [name for name, entry in packages(lock).items() if "--hash=sha256:" not in entry] == []

    def test_there_are_no_addresses_and_no_paths(self, lock):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert not re.search(r"index-url|find-links|trusted-host|@ |/", re.sub(r"sha256:\w+", "", text))


def test_both_locks_name_the_same_versions():
    run, dev = packages(RUN), packages(DEV)
    assert {name: entry for name, entry in dev.items() if name in run} == run


@pytest.mark.parametrize("lock", OTHERS[-2:], ids=lambda path: path.name)
def test_what_may_be_added_is_tested_in_the_same_versions(lock):
    added = packages(lock)
    assert {name: entry for name, entry in packages(DEV).items() if name in added} == added


def test_what_only_tests_need_is_not_served():
    assert not {"pytest", "hypothesis", "mypy", "ruff", "aio-pika"} & set(packages(RUN))
    assert {"pytest", "hypothesis", "mypy", "ruff"} <= set(packages(DEV))


@pytest.mark.parametrize("left_out", ["tensorflow", "boto3", "confluent-kafka", "sentry-sdk", "huggingface-hub"])
def test_what_placeholders_stand_for_is_left_out(left_out):
    assert left_out not in packages(DEV)


@pytest.mark.parametrize(
    ("lock", "source"), [(RUN, "requirements.in"), (DEV, "requirements-dev.in")], ids=["run", "dev"]
)
def test_each_wish_is_locked(lock, source):
    wished = re.findall(r"^([A-Za-z][\w-]*)", (ROOT / source).read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in wished if name.lower() not in packages(lock)] == []


def make(*arguments: str) -> str:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
class TestMakefile:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    def test_help_is_what_make_alone_says_and_names_every_target(self):
        assert make() == make("help")
        assert sorted(re.findall(r"^  make ([a-z-]+) ", make("help"), re.MULTILINE)) == sorted(self.targets)

    def test_every_target_is_phony(self):
        phony = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert phony and sorted(phony.group(1).split()) == sorted(self.targets)

    def test_every_command_has_a_target(self):
        assert set(bootstrap.COMMANDS) | {"help", "lock"} == set(self.targets)

    def test_a_python_is_passed_on_only_when_it_was_asked_for(self):
        assert "--python" not in make("-n", "serve")
        assert '--python "3.12"' in make("-n", "serve", "PYTHON=3.12")
        assert '--python "3.12" --venv .venv-compat' in make("-n", "test-compat")


def test_the_environments_folders_are_ignored_by_git():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {".venv*", "var/", "/.env"} <= set(ignored)
    assert {"run": RUN.name, "test": DEV.name, "audit": "requirements-audit.lock"} == environment.LOCKS


class Asked(dict[str, str]):
    """An environment that notes which settings were asked for."""

    def __init__(self, **given: str) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name, default=None):  # type: ignore[no-untyped-def, override]
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)


def test_the_example_of_settings_names_every_setting_and_no_other(tmp_path):
    asked = Asked(EVENKEEL_VAR=str(tmp_path))
    Settings.read(asked)
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert named - {"EVENKEEL_INSTALLER"} == asked.names, "open .env.example"
