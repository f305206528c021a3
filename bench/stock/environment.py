"""The environment of the peer: Python 3.10 and exactly what `requirements.lock` names, in `.venv-stock`."""

from __future__ import annotations

import hashlib
import os
import shutil
from importlib import metadata
from pathlib import Path

from bench.processes import BenchError
from bot.settings import ROOT
from scripts.setup_parts import installer, pythons
from scripts.setup_parts.console import Console
from scripts.setup_parts.failures import Failure
from scripts.setup_parts.installer import Workshop

HERE = Path(__file__).parent
LOCK, WISHES = HERE / "requirements.lock", HERE / "requirements.in"
FOLDER = ROOT / ".venv-stock"
#: The newest Python that Rasa 3.6.21 states to run on.
VERSION = "3.10"
_STAMP = "stock.sha256"


def python() -> Path:
    """The environment's interpreter."""
    return FOLDER / "bin" / "python"


def ensure(var: Path) -> Path:
    """Make the environment unless it is there as locked; its interpreter.

    Raises:
        BenchError: it cannot be made.
    """
    mark, stamp = hashlib.sha256(LOCK.read_bytes()).hexdigest(), FOLDER / _STAMP
    if python().exists() and stamp.exists() and stamp.read_text(encoding="ascii") == mark:
        return python()
    try:
        _make(_workshop(var))
    except Failure as failure:
        raise BenchError(f"Stock Rasa cannot be installed: {failure}") from failure
    stamp.write_text(mark, encoding="ascii")
    return python()


def lock(var: Path) -> None:
    """Resolve `requirements.in` anew into `requirements.lock`.

    Raises:
        BenchError: there is no uv or nothing fits.
    """
    workshop = _workshop(var)
    try:
        found = _python(workshop)
        uv = installer.choose(workshop, found, forced="uv")
        assert isinstance(uv, installer.Uv)
        workshop.run(
            [
                uv.program, "--no-config", "pip", "compile", "--python", str(found.executable),
                "--python-version", VERSION,
                "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate",
                "--custom-compile-command", "python -m bench.stock lock", "--output-file", str(LOCK), str(WISHES),
            ],
            "Resolving stock Rasa", 20,
        )  # fmt: skip
    except Failure as failure:
        raise BenchError(str(failure)) from failure


def _make(workshop: Workshop) -> None:
    found = _python(workshop)
    chosen = installer.choose(workshop, found, workshop.environment.get("EVENKEEL_INSTALLER", ""))
    shutil.rmtree(FOLDER, ignore_errors=True)
    # Not Uv.install and Pip.install: they refuse what has no wheel, and one package of this time never had one.
    if isinstance(chosen, installer.Uv):
        uv = [chosen.program, "--no-config"]
        making = [*uv, "venv", "--quiet", "--python", str(found.executable), str(FOLDER)]
        installing = [
            *uv,
            "pip",
            "sync",
            "--require-hashes",
            "--compile-bytecode",
            "--python",
            str(python()),
            str(LOCK),
        ]
    else:
        making = [str(found.executable), "-I", "-m", "venv", str(FOLDER)]
        installing = [str(python()), "-m", "pip", "install", "--no-deps", "--require-hashes", "-r", str(LOCK)]
    workshop.run(making, "Making the environment of stock Rasa", 3, FOLDER)
    workshop.run(installing, "Installing stock Rasa with TensorFlow", 120, FOLDER)


def _python(workshop: Workshop) -> pythons.Python:
    found = pythons.find([VERSION], workshop.environment)
    if not found:
        installer.fetch_python(workshop, VERSION)
        found = pythons.find([VERSION], workshop.environment)
    if not found:
        raise Failure(f"Stock Rasa needs Python {VERSION}, and none was found.")
    return found


def _workshop(var: Path) -> Workshop:
    var.mkdir(parents=True, exist_ok=True)
    return Workshop(ROOT, var, Console(), dict(os.environ))


def installed_size(lock_file: Path, site_packages: Path) -> float:
    """Megabytes that the packages of `lock_file` take in `site_packages`, with their compiled bytecode.

    Raises:
        BenchError: a locked package is not there.
    """
    there = {_plain(d.metadata["Name"]): d for d in metadata.distributions(path=[str(site_packages)])}
    total = 0
    for name in locked(lock_file):
        if name not in there:
            raise BenchError(f"{name} is locked in {lock_file.name}, but not installed.")
        for file in there[name].files or ():
            path = Path(str(file.locate()))
            if path.suffix != ".pyc":  # RECORD lists them only where pip installed; counted beside their source
                total += _size(path)
            if path.suffix == ".py":
                total += sum(_size(made) for made in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))
    return total / 1e6


def locked(lock_file: Path) -> list[str]:
    """The names of the packages in a lock that are meant for this system."""
    lines = lock_file.read_text(encoding="utf-8").splitlines()
    own = [line for line in lines if line[:1].isalnum() and not _elsewhere(line)]
    return [_plain(line.partition("==")[0]) for line in own]


def _elsewhere(line: str) -> bool:
    from packaging.markers import Marker

    _, _, marker = line.rstrip(" \\").partition(";")
    return bool(marker.strip()) and not Marker(marker.strip()).evaluate()


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
