"""Runs every part and prints what it found; the last line is the result.

Exit code: 0 all was checked and nothing is against it; 1 something is; 2 nothing is, but not all could be checked.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from tools.audit import helplines, packages, vulnerabilities
from tools.audit.packages import Package

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = ROOT / "requirements.lock"


def main(arguments: list[str] | None = None) -> int:
    """`python -m tools.audit`."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument(
        "--service", choices=("osv", "pypi"), default="osv", help="which vulnerability service is asked"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "audit", help="folder for the reports")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    allowed = yaml.safe_load((Path(__file__).parent / "allowed.yml").read_text(encoding="utf-8"))
    names = packages.locked(LOCK)
    found = packages.installed(names, sorted((ROOT / ".venv").glob("lib*/python3*/site-packages")))

    wrong: list[str] = []
    open_ends: list[str] = []
    print("== Packages that are held back")
    wrong += _held(packages.held(ROOT), names, allowed)
    print("== Known vulnerabilities")
    try:
        wrong += _vulnerable(vulnerabilities.look_up(LOCK, given.service), names, allowed)
    except vulnerabilities.Unreachable as error:
        print(f"  NOT CHECKED, no vulnerability service could be reached: {error}")
        open_ends.append("known vulnerabilities")
    print("== Licences")
    wrong += licences(found, allowed, given.out / "licences.md")
    absent = [package.name for package in found if not package.here]
    if len(absent) > len(names) // 10:
        print("  Most packages are not installed here: run `make setup` first, the licences are read from them.")
        open_ends.append("licences")
    print(f"  not installed on this machine: {', '.join(absent) or 'none'}")
    print("== Software bill of materials")
    _sbom(found, given.out / "sbom.json")
    print("== Helplines")
    _helplines(given.out / "helplines.md")

    for sentence in wrong:
        print(f"WRONG: {sentence}")
    told = f"audit: {len(wrong)} wrong, {len(open_ends)} not checked"
    print(told + (f" ({', '.join(open_ends)})" if open_ends else ""))
    return 1 if wrong else 2 if open_ends else 0


def _held(held: Mapping[str, str], names: Mapping[str, str], allowed: Mapping[str, Any]) -> list[str]:
    for name, bound in sorted(held.items()):
        entry = allowed["held"].get(name)
        print(f"  {name} {names.get(name, '-')} ({bound})")
        if entry:
            print(f"      why    {' '.join(entry['why'].split())}\n      reach  {' '.join(entry['reach'].split())}")
    return [f"{name} is held back without a reason in tools/audit/allowed.yml" for name in held
            if name not in allowed["held"]]  # fmt: skip


def _vulnerable(
    found: list[vulnerabilities.Vulnerability], names: Mapping[str, str], allowed: Mapping[str, Any]
) -> list[str]:
    wrong = []
    for each in found:
        stands = next((allowed["advisories"][name] for name in each.names if name in allowed["advisories"]), None)
        mended = f", mended in {', '.join(each.mended_in)}" if each.mended_in else ""
        print(f"  {each.package} {each.version}: {' / '.join(each.names)}{mended}")
        if stands is None:
            wrong.append(f"{each.names[0]} in {each.package} {each.version} is not in tools/audit/allowed.yml")
        else:
            print(f"      let stand on {stands['reviewed']}: {stands['why']}")
    print(f"  {len(names)} packages asked about, {len(found)} advisories")
    return wrong


def licences(found: list[Package], allowed: Mapping[str, Any], report: Path) -> list[str]:
    """Write the table of licences; what is against it."""
    wrong, good, exceptions = [], set(allowed["licences"]), allowed["licences_of"]
    rows = ["| package | version | licence | why it may be used |", "|---|---|---|---|"]
    for package in found:
        reason = exceptions.get(package.name)
        if package.here and not (reason and reason["licence"] == package.licence):
            unknown = packages.parts(package.licence) - good
            if not package.licence or unknown:
                wrong.append(f"{package.name}: licence {package.licence or 'not stated'} is not in allowed.yml")
        said = package.licence or ("not installed here" if not package.here else "not stated")
        rows.append(f"| {package.name} | {package.version} | {said} | {reason['why'] if reason else ''} |")
    report.write_text("\n".join(rows) + "\n", encoding="utf-8")
    counted = Counter(package.licence for package in found if package.here)
    for licence, number in counted.most_common():
        print(f"  {number:4} {licence or 'not stated'}")
    print(f"  the table: {report}")
    return wrong


def _sbom(found: list[Package], file: Path) -> None:
    from tools.audit import sbom

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    file.write_text(sbom.make(found, ROOT, project["version"]) + "\n", encoding="utf-8")
    print(f"  CycloneDX 1.6, {len(found) + len(packages.SHIPPED_WEIGHTS)} components, agrees with its schema: {file}")


def _helplines(report: Path) -> None:
    due, count = helplines.unchecked(ROOT / "data" / "helplines.yml", date.today())
    rows = ["| country | for | service | number | read on a page | last checked |", "|---|---|---|---|---|---|"]
    for each in due:
        read = "yes" if each.read_on_a_page else "no"
        rows.append(
            f"| {each.country} | {each.group} | {each.service} | {each.number} | {read} | {each.checked or 'never'} |"
        )
    report.write_text("\n".join(rows) + "\n", encoding="utf-8")
    nowhere = [each for each in due if not each.read_on_a_page]
    print(f"  {len(due)} of {count} numbers have not been checked with their operator within a year: {report}")
    for each in nowhere:
        print(f"      read on no page either: {each.country} {each.service} {each.number}")


if __name__ == "__main__":
    sys.exit(main())
