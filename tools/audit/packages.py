"""What is locked, what is held back, and what installed packages say of themselves."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: Bounds that keep a package below its newest version.
_HOLDING = ("<", "<=", "==", "~=")

#: What packages write about their licence -> its SPDX name.
_SPDX = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "gnu general public license v2 or later (gplv2+)": "GPL-2.0-or-later",
    "gnu lesser general public license v2 or later (lgplv2+)": "LGPL-2.1-or-later",
    "mozilla public license 1.1 (mpl 1.1)": "MPL-1.1",
}
#: Packages whose own words name no licence clearly: read in the file that they bring along.
_READ_IN_ITS_FILE = {"skops": "MIT"}
#: Weights that are shipped as data: file -> name and licence.
SHIPPED_WEIGHTS = {"data/encoder/minilm-evenkeel-int8.onnx": ("all-MiniLM-L6-v2, taught and made small", "Apache-2.0")}
_SHORT = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR) [A-Za-z0-9.+-]+)*")


@dataclass(frozen=True)
class Package:
    """A locked package.

    Attributes:
        name, version: as locked, the name in its canonical form.
        licence: an SPDX expression; empty where it says none that we know.
        needs: canonical names of other locked packages that it states to need.
        here: whether it is installed on this machine (some are locked for other systems).
    """

    name: str
    version: str
    licence: str = ""
    needs: tuple[str, ...] = ()
    here: bool = False


def locked(lock: Path) -> dict[str, str]:
    """Canonical name -> version of every package in a lock file."""
    found = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            wish = Requirement(line.rstrip(" \\"))
            found[str(canonicalize_name(wish.name))] = str(wish.specifier).removeprefix("==")
    return found


def held(root: Path) -> dict[str, str]:
    """Canonical name -> the bound that holds it back, in requirements.in and in pyproject.toml's replaced metadata."""
    lines = (root / "requirements.in").read_text(encoding="utf-8").splitlines()
    wishes = [line.partition("#")[0].strip() for line in lines]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    for entry in project["tool"]["uv"]["dependency-metadata"]:
        wishes += entry["requires-dist"]
    found = {}
    for wish in (Requirement(text) for text in wishes if text):
        bounds = [str(bound) for bound in wish.specifier if bound.operator in _HOLDING]
        if bounds:
            found[str(canonicalize_name(wish.name))] = ", ".join(bounds)
    return found


def installed(names: dict[str, str], folders: Iterable[Path]) -> list[Package]:
    """The locked packages of `names`, with what those installed in `folders` say of themselves."""
    there: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions(path=[str(folder) for folder in folders]):
        there.setdefault(str(canonicalize_name(distribution.metadata["Name"])), distribution)
    packages = []
    for name, version in sorted(names.items()):
        distribution = there.get(name)
        if distribution is None or distribution.version != version:
            packages.append(Package(name, version))
            continue
        wishes = [Requirement(text) for text in distribution.requires or []]
        here = {str(canonicalize_name(wish.name)) for wish in wishes if not wish.marker or wish.marker.evaluate()}
        packages.append(Package(name, version, licence_of(distribution), tuple(sorted(here & set(names))), True))
    return packages


def licence_of(distribution: metadata.Distribution) -> str:
    """The licence that a package states, as an SPDX expression; empty where it states none that we know."""
    about = distribution.metadata
    name = str(canonicalize_name(about["Name"]))
    if name in _READ_IN_ITS_FILE:
        return _READ_IN_ITS_FILE[name]
    if expression := about.get("License-Expression"):
        return str(expression)
    said = str(about.get("License") or "").strip()
    first = said.splitlines()[0].strip() if said else ""
    if _SHORT.fullmatch(said) and said.lower() not in _SPDX:
        return said
    if first.lower() in _SPDX:
        return _SPDX[first.lower()]
    classes = [line.rpartition("::")[2].strip().lower() for line in about.get_all("Classifier") or ()
               if line.startswith("License ::")]  # fmt: skip
    return " OR ".join(_SPDX[each] for each in classes if each in _SPDX)


def parts(expression: str) -> set[str]:
    """The single licences in an SPDX expression."""
    return {part for part in re.split(r" (?:AND|OR) |[()]", expression) if part}
