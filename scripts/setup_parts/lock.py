"""Makes the locks: one resolution for Python 3.11 and 3.12, with hashes and without index addresses or paths."""

from __future__ import annotations

from . import failures, installer, pythons
from .failures import Failure
from .installer import Workshop

#: Each lock with what it is made from; a later one takes the versions of the one before it.
_LOCKS = {
    "requirements-dev.lock": ["requirements-dev.in"],
    "requirements.lock": ["requirements.in", "--constraints", "requirements-dev.lock"],
    "requirements-tracing.lock": ["requirements-tracing.in", "--constraints", "requirements-dev.lock"],
    "requirements-broker.lock": ["requirements-broker.in", "--constraints", "requirements-dev.lock"],
    "requirements-audit.lock": ["requirements-audit.in"],
    "requirements-tools.lock": ["requirements-tools.in"],
}

#: Machines that must find every package ready-made.
_MACHINES: dict[str, dict[str, str]] = {
    "x86_64-manylinux_2_28": {},
    "aarch64-manylinux_2_28": {},
    "aarch64-apple-darwin": {"MACOSX_DEPLOYMENT_TARGET": "14.0"},
}


def make(workshop: Workshop, upgrade: bool = False) -> int:
    """Writes the locks from the .in files; keeps the versions they have unless `upgrade`.

    Raises:
        Failure: there is no uv, nothing fits, or a package has no wheel for a machine or Python that we support.
    """
    versions = pythons.supported(workshop.root)
    python = pythons.find(versions, workshop.environment)
    if not python:
        raise failures.no_python(versions, None)
    uv = installer.choose(workshop, python, forced="uv")
    assert isinstance(uv, installer.Uv)
    for lock, sources in _LOCKS.items():
        workshop.run(
            _compile(uv.program, lock, sources, upgrade and lock != "requirements.lock"), f"Resolving {lock}", 10
        )
    for version in versions:
        for machine, variables in _MACHINES.items():
            _check_wheels(workshop, uv.program, version, machine, variables)
    return 0


def _compile(uv: str, lock: str, sources: list[str], upgrade: bool) -> list[str]:
    return [
        uv, "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url",
        "--no-emit-find-links", "--no-annotate", "--custom-compile-command", "make lock",
        *(["--upgrade"] if upgrade else []),
        "--output-file", lock, *sources,
    ]  # fmt: skip


def _check_wheels(workshop: Workshop, uv: str, version: str, machine: str, variables: dict[str, str]) -> None:
    """Nothing may be built on a stranger's machine: that takes a compiler and libraries that no lock names."""
    there = Workshop(workshop.root, workshop.var, workshop.console, {**workshop.environment, **variables})
    code, output = there.try_to_run(
        [
            uv, "pip", "compile", "--no-deps", "--only-binary", ":all:", "--python-version", version,
            "--python-platform", machine, "requirements-dev.lock",
        ],
        f"Looking for wheels for Python {version} on {machine}", 3,
    )  # fmt: skip
    if code:
        raise Failure(f"Not every locked package has a wheel for Python {version} on {machine}: {output.strip()}")
