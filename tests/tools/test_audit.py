"""What `make audit` says of the shipped files, without asking anybody."""

from __future__ import annotations

import json
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from bot.settings import ROOT
from tools.audit import __main__ as audit
from tools.audit import helplines, packages, vulnerabilities
from tools.audit.packages import Package

ALLOWED = yaml.safe_load((ROOT / "tools/audit/allowed.yml").read_text(encoding="utf-8"))


def test_whatever_is_held_back_has_a_reason_and_nothing_else_has_one() -> None:
    assert set(packages.held(ROOT)) == set(ALLOWED["held"]), "open tools/audit/allowed.yml"
    assert all(set(entry) == {"why", "reach"} for entry in ALLOWED["held"].values())


def test_what_was_let_stand_is_about_what_is_locked() -> None:
    names = packages.locked(audit.LOCK)
    assert {entry["package"] for entry in ALLOWED["advisories"].values()} <= set(names)
    assert all(entry["why"] and entry["reviewed"] for entry in ALLOWED["advisories"].values())
    assert set(ALLOWED["licences_of"]) <= set(names)


def test_every_package_here_has_a_licence_that_may_be_used(tmp_path: Path) -> None:
    import sysconfig

    names = packages.locked(audit.LOCK)
    folders = [Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib"))]
    found = packages.installed(names, folders)
    assert sum(package.here for package in found) > 100
    assert audit.licences(found, ALLOWED, tmp_path / "licences.md") == []
    table = (tmp_path / "licences.md").read_text(encoding="utf-8")
    assert "| psycopg |" in table and "LGPL-3.0-only" in table


def test_another_licence_is_told(tmp_path: Path) -> None:
    found = [
        Package("good", "1", "MIT OR Apache-2.0", here=True),
        Package("bad", "1", "AGPL-3.0-only", here=True),
        Package("silent", "1", "", here=True),
        Package("elsewhere", "1"),
        Package("certifi", "1", "GPL-3.0-only", here=True),
    ]
    wrong = audit.licences(found, ALLOWED, tmp_path / "licences.md")
    assert [sentence.partition(":")[0] for sentence in wrong] == ["bad", "silent", "certifi"]


ANSWER = {
    "dependencies": [
        {"name": "rasa", "version": "3.6.21", "vulns": []},
        {
            "name": "sanic",
            "version": "21.12.2",
            "vulns": [{"id": "GHSA-1", "aliases": ["CVE-1"], "fix_versions": ["22"], "description": ""}],
        },
    ]
}


def test_what_a_service_reports_is_read() -> None:
    [found] = vulnerabilities.look_up(audit.LOCK, "osv", lambda command: (json.dumps(ANSWER), ""))
    assert (found.package, found.names, found.mended_in) == ("sanic", ("GHSA-1", "CVE-1"), ("22",))
    names = {"rasa": "3.6.21", "sanic": "21.12.2"}
    assert audit._vulnerable([found], names, {"advisories": {}}) == [
        "GHSA-1 in sanic 21.12.2 is not in tools/audit/allowed.yml"
    ]
    stands = {"advisories": {"CVE-1": {"package": "sanic", "why": "not reached", "reviewed": "2026-11-22"}}}
    assert audit._vulnerable([found], names, stands) == []


@pytest.mark.parametrize(
    ("output", "said", "told"),
    [
        ("", "Traceback\nConnectionError: no such host", "ConnectionError: no such host"),
        ("", "", "it said nothing"),
        (json.dumps({"dependencies": [{"name": "x", "skip_reason": "unknown"}]}), "", "it left out x"),
    ],
    ids=["cannot be reached", "is silent", "leaves something out"],
)
def test_a_service_that_was_not_asked_is_never_a_pass(output: str, said: str, told: str) -> None:
    with pytest.raises(vulnerabilities.Unreachable, match=told):
        vulnerabilities.look_up(audit.LOCK, "osv", lambda command: (output, said))


@pytest.mark.skipif(not find_spec("cyclonedx"), reason="cyclonedx-python-lib is not installed (make test installs it)")
def test_the_bill_of_materials() -> None:
    from tools.audit import sbom

    found = [Package("rasa", "3.6.21", "Apache-2.0", ("numpy",), True), Package("numpy", "1.26.4", "", (), True)]
    told = json.loads(sbom.make(found, ROOT, "1"))
    assert told["specVersion"] == "1.6"
    assert {part["name"] for part in told["components"]} >= {"rasa", "numpy"}
    needs = {part["ref"]: part.get("dependsOn") for part in told["dependencies"]}
    assert needs["rasa==3.6.21"] == ["numpy==1.26.4"]
    with pytest.raises(ValueError):
        sbom.make([Package("", "1", "Not A Licence (", (), True)] * 2, ROOT, "1")


def test_weights_that_are_shipped_are_in_the_bill() -> None:
    from tools.audit.packages import SHIPPED_WEIGHTS

    shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / "data").rglob("*.onnx")}
    assert shipped == set(SHIPPED_WEIGHTS)


def test_helplines_wait_for_a_check(tmp_path: Path) -> None:
    service = {"service": "S", "number": "1", "text": None, "url": None, "verified": True}
    file = tmp_path / "helplines.yml"
    crisis = [{**service, "checked": day} for day in (None, "2026-11-01", "2020-01-01")]
    file.write_text(yaml.safe_dump({"countries": {"XX": {"crisis": crisis}}}), encoding="utf-8")
    found, count = helplines.unchecked(file, date(2026, 11, 22))
    assert count == 3 and [each.checked for each in found] == ["", "2020-01-01"]


def test_the_shipped_helplines_are_read() -> None:
    found, count = helplines.unchecked(ROOT / "data" / "helplines.yml", date.today())
    assert count > 40 and len(found) <= count
