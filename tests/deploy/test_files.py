"""What stands under deploy/ fits the program: settings, commands, files, and who may write what."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import PARTS, ROOT, Settings

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
KNOWN = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
#: Set here and read by others: the start script, the proxy, PostgreSQL, RabbitMQ, libraries, Python itself.
OTHERS = {"PREPARED", "SITE", "POSTGRES_PASSWORD", "MPLCONFIGDIR", "OMP_NUM_THREADS", "TRACING", "BROKER"}
OTHERS |= {"RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS"}


def of_the_bot() -> dict[str, dict[str, Any]]:
    return {name: part for name, part in COMPOSE["services"].items() if part["image"] == "evenkeel"}


@pytest.mark.parametrize("name", sorted(of_the_bot()))
def test_each_process_runs_as_nobody_on_a_root_it_cannot_write(name: str) -> None:
    part = of_the_bot()[name]
    assert part["read_only"] is True and part["user"] == "65534:65534"
    assert part["cap_drop"] == ["ALL"] and part["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in part and "privileged" not in part, "only the proxy is reached from outside"


def test_every_part_is_served_by_somebody() -> None:
    served = [part["environment"]["SERVE"] for part in of_the_bot().values() if "SERVE" in part.get("environment", {})]
    assert sorted(served) == sorted(PARTS)


def test_settings_that_are_named_exist() -> None:
    named = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", (DEPLOY / "evenkeel.env.example").read_text(), re.MULTILINE))
    named |= {name for part in of_the_bot().values() for name in part.get("environment", {})}
    named |= set(re.findall(r"\b([A-Z][A-Z_]+)=", CONTAINERFILE))
    for unit in DEPLOY.glob("*.service"):
        named |= set(re.findall(r"\b([A-Z][A-Z_]+)=", unit.read_text().partition("[Install]")[0])) - {"MemoryMax"}
    assert {name for name in named if not name.startswith("PYTHON")} <= KNOWN | OTHERS


def test_the_example_is_fit_for_the_public(tmp_path: Path) -> None:
    """But for the secrets, which it must leave to whoever fills it in."""
    from bot.errors import SettingError

    lines = (DEPLOY / "evenkeel.env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert [name for name, value in given.items() if not value and "OPERATOR" not in name] == [
        "SECRET_KEY", "METRICS_TOKEN", "POSTGRES_PASSWORD",
    ]  # fmt: skip
    environment = {**given, "EVENKEEL_VAR": str(tmp_path)}
    with pytest.raises(SettingError, match="SECRET_KEY"):
        Settings.read(environment)
    assert Settings.read({**environment, "SECRET_KEY": "k" * 48, "METRICS_TOKEN": "m" * 32}).production


def test_only_the_proxy_and_who_sends_reach_out() -> None:
    services = COMPOSE["services"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis", "rabbitmq", "actions"):
        assert services[name]["networks"] == ["inside"]


def test_the_proxy_keeps_what_is_inside_inside() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text()
    assert "path /metrics /health/*" in caddy and "respond @inside 404" in caddy
    assert set(re.findall(r"reverse_proxy ([a-z]+):8080|dynamic a ([a-z]+) 8080", caddy)) == {
        ("webhooks", ""), ("staff", ""), ("", "web"),
    }  # fmt: skip
    assert caddy.count("{") == caddy.count("}")


def test_what_must_not_be_in_an_image_is_left_out() -> None:
    ignored = set((ROOT / ".dockerignore").read_text().splitlines())
    assert {".git", ".env", "var", "models", ".venv*"} <= ignored
    assert "deploy/evenkeel.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_image_runs_as_nobody() -> None:
    last = CONTAINERFILE.rpartition("\nFROM ")[2]
    assert "USER 65534:65534" in last and 'ENTRYPOINT ["sh", "deploy/start.sh"]' in last
    for copied in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE):
        for name in copied.split():
            assert (ROOT / name).exists(), name


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_plain_shell(script: Path) -> None:
    assert subprocess.run(["sh", "-n", str(script)], capture_output=True).returncode == 0


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_is_one(tmp_path: Path) -> None:
    """Without what names users and files that are not on this machine."""
    unit = (DEPLOY / "evenkeel@.service").read_text()
    unit = re.sub(r"^(User|WorkingDirectory|EnvironmentFile)=.*$", "", unit, flags=re.MULTILINE)
    unit = re.sub(r"=/opt/evenkeel/.venv/bin/python", "=/bin/true", unit)
    (tmp_path / "evenkeel@.service").write_text(unit)
    (tmp_path / "evenkeel@8080.service").write_text(unit)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "evenkeel@8080.service")],
        capture_output=True,
        text=True,
    )
    assert "Unknown" not in checked.stderr and "Failed to parse" not in checked.stderr
