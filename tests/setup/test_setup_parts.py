"""The parts of the set-up by themselves."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path

import pytest

from scripts.setup_parts import dotenv, failures, installer, pythons
from scripts.setup_parts.console import Console
from scripts.setup_parts.failures import Failure
from scripts.setup_parts.installer import Workshop

HERE = "{}.{}".format(*sys.version_info)
BASE = sys._base_executable  # type: ignore[attr-defined]


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


class TestFindingPython:
    def test_a_shim_that_does_not_work_hides_nothing(self, tmp_path):
        program(tmp_path / "shims/python3", "exit 127\n")
        program(tmp_path / "bin/python3", f'exec {BASE} "$@"\n')
        path = f"{tmp_path / 'shims'}{os.pathsep}{tmp_path / 'bin'}"
        found = pythons.find([HERE], {"PATH": path})
        assert found is not None and found.minor == HERE

    def test_python3_itself_comes_before_others(self, tmp_path):
        names = list(pythons.candidates(["3.11", "3.12"], {"PATH": str(program(tmp_path / "python3", "").parent)}))
        assert names[0] == str(tmp_path / "python3")

    def test_pyenv_is_searched(self, tmp_path):
        program(tmp_path / f"versions/{HERE}.9/bin/python{HERE}", f'exec {BASE} "$@"\n')
        found = pythons.find([HERE], {"PATH": "", "PYENV_ROOT": str(tmp_path)})
        assert found is not None

    def test_a_version_that_is_not_wanted_is_passed_over(self, tmp_path):
        program(tmp_path / "python3", f'exec {BASE} "$@"\n')
        assert pythons.find(["3.99"], {"PATH": str(tmp_path), "HOME": "/nowhere"}) is None
        assert pythons.find(["3.99"], {"PATH": ""}, asked=BASE) is None

    def test_the_python_behind_a_virtual_environment_is_meant(self):
        found = pythons.probe(sys.executable)
        assert found is not None and found.executable == Path(BASE)

    @pytest.mark.parametrize(
        "text", ["echo no json\n", "exit 1\n", 'echo \'{"fits": false, "version": "3.11.1", "executable": "x"}\'\n']
    )
    def test_what_is_no_usable_python(self, tmp_path, text):
        assert pythons.probe(str(program(tmp_path / "python3", text))) is None

    def test_supported_versions_are_those_of_the_project_file(self):
        root = Path(__file__).resolve().parents[2]
        assert pythons.supported(root) == ["3.11", "3.12"]
        assert 'requires-python = ">=3.11,<3.13"' in (root / "pyproject.toml").read_text()


class TestUv:
    @pytest.mark.parametrize(
        ("says", "good"),
        [("uv 0.13.9 (x86_64)", True), ("uv 0.5.0", True), ("uv 0.4.30", False), ("uv 1.0.0", False), ("uvx?", False)],
    )
    def test_only_versions_that_were_tried_are_used(self, tmp_path, says, good):
        uv = program(tmp_path / "bin/uv", f"echo '{says}'\n")
        (tmp_path / "requirements-tools.lock").write_text("uv==9.9.9 \\\n")
        workshop = Workshop(tmp_path, tmp_path, Console(io.StringIO()), {"PATH": str(uv.parent)})
        assert installer.find_uv(workshop) == (str(uv) if good else None)

    def test_pip_steps_in_where_the_index_has_no_uv(self, tmp_path):
        python = program(
            tmp_path / "bin/python3",
            'case "$*" in *--version*) exit 0;; esac\n'
            'echo "ERROR: No matching distribution found for uv==9.9.9"\nexit 1\n',
        )
        (tmp_path / "requirements-tools.lock").write_text("uv==9.9.9 \\\n")
        workshop = Workshop(tmp_path, tmp_path, Console(io.StringIO()), {"PATH": ""})
        chosen = installer.choose(workshop, pythons.Python(python, "3.11.1"))
        assert isinstance(chosen, installer.Pip)

    def test_without_a_network_nothing_slower_is_tried(self, tmp_path):
        python = program(
            tmp_path / "bin/python3",
            'case "$*" in *--version*) exit 0;; esac\necho "WARNING: Retrying after NewConnectionError"\nexit 1\n',
        )
        (tmp_path / "requirements-tools.lock").write_text("uv==9.9.9 \\\n")
        workshop = Workshop(tmp_path, tmp_path, Console(io.StringIO()), {"PATH": ""})
        with pytest.raises(Failure, match="cannot be reached"):
            installer.choose(workshop, pythons.Python(python, "3.11.1"))

    def test_a_python_without_pip_and_venv(self, tmp_path):
        python = program(tmp_path / "bin/python3", "exit 1\n")
        (tmp_path / "requirements-tools.lock").write_text("uv==9.9.9 \\\n")
        workshop = Workshop(tmp_path, tmp_path, Console(io.StringIO()), {"PATH": ""})
        with pytest.raises(Failure, match="has no pip"):
            installer.choose(workshop, pythons.Python(python, "3.11.1"))


class TestHowLong:
    @pytest.mark.parametrize(
        ("seconds", "said"),
        [(2, "a few seconds"), (20, "usually 10 s to 40 s"), (60, "usually 30 s to 2 minutes"),
         (180, "usually 2 minutes to 6 minutes")],
    )  # fmt: skip
    def test_it_is_a_range(self, tmp_path, seconds, said):
        shown = io.StringIO()
        Console(shown).run(
            ["true"], doing="Working", seconds=seconds, log=tmp_path / "log", environment={}, folder=tmp_path
        )
        assert shown.getvalue().startswith(f"evenkeel: Working ({said}) ...")


class TestFailures:
    @pytest.mark.parametrize(
        ("number", "says"),
        [
            (errno.ENOSPC, "The disk is full"),
            (errno.EACCES, "No permission to write"),
            (errno.EROFS, "No permission to write"),
            (errno.EIO, "could not go on"),
        ],
    )
    def test_errors_of_the_system(self, tmp_path, number, says):
        assert says in str(failures.of_os_error(OSError(number, os.strerror(number), "x"), tmp_path))

    @pytest.mark.parametrize(
        ("output", "says"),
        [
            (
                "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
                "The disk is full",
            ),
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one that was locked"),
            ("ReadTimeoutError: Read timed out.", "cannot be reached"),
            ("ERROR: No matching distribution found for numpy==1.26.4", "numpy is not offered"),
            ("The virtual environment was not created: ensurepip is not available.", "lacks its venv module"),
            ("", "it said nothing"),
        ],
    )
    def test_what_pip_and_venv_say(self, tmp_path, output, says):
        assert says in str(failures.of_output(output, "Installing", tmp_path, tmp_path / "log"))


class TestDotenv:
    def test_forms_of_a_line(self, tmp_path):
        file = tmp_path / ".env"
        file.write_text(
            "# a comment\n\nPORT=80\nexport HOST=0.0.0.0  # all\n"
            "OPERATOR_NAME=\"A Clinic\"\nOPERATOR_HOURS='9 to 5'\nEMPTY=\nDATABASE_URL=postgresql://a:b%40c@h/d?x=1\n"
        )
        assert dotenv.read(file) == {
            "PORT": "80", "HOST": "0.0.0.0", "OPERATOR_NAME": "A Clinic", "OPERATOR_HOURS": "9 to 5", "EMPTY": "",
            "DATABASE_URL": "postgresql://a:b%40c@h/d?x=1",
        }  # fmt: skip

    @pytest.mark.parametrize("line", ["PORT 80", "1A=2", "NAME=two words", 'NAME="open'])
    def test_a_line_that_is_none(self, tmp_path, line):
        file = tmp_path / ".env"
        file.write_text("A=1\n" + line + "\n")
        with pytest.raises(Failure, match=r"Line 2 of \.env"):
            dotenv.read(file)

    def test_no_file(self, tmp_path):
        assert dotenv.read(tmp_path / ".env") == {}
