"""The whole way from a make target to the bot's command, with stand-ins for what would be downloaded."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest


def only_sentence(run: subprocess.CompletedProcess[str]) -> str:
    """The one line that a failed set-up ends with, after checking that it is a sentence and not a traceback."""
    assert run.returncode == 1
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("evenkeel: ")
    assert last.endswith((".", ")."))
    return last


def test_a_fresh_checkout_is_set_up_and_the_command_runs(checkout):
    run = checkout.start("serve", PORT="9000")
    assert run.returncode == 0, run.stderr
    assert "bot setup PORT=9000" in run.stderr
    assert "bot serve PORT=9000" in run.stderr
    assert [call.split()[0] for call in checkout.calls()] == ["venv", "pip"]


def test_what_is_installed_is_exactly_what_is_locked(checkout):
    checkout.start("setup")
    install = checkout.calls()[1]
    assert install.startswith("pip sync --require-hashes --only-binary :all: --compile-bytecode")
    assert install.endswith("requirements.lock")


def test_the_second_start_installs_nothing_and_is_quick(checkout):
    checkout.start("setup")
    checkout.calls()
    began = time.monotonic()
    run = checkout.start("setup")
    assert checkout.calls() == []
    assert "Installing" not in run.stderr
    assert time.monotonic() - began < 2  # it takes 0.1 s; other work on the machine may stretch that


def test_standard_output_belongs_to_the_command(checkout):
    run = checkout.start("ask", text='{"text": "hello"}\n')
    assert run.stdout == 'answer to {"text": "hello"}\n'


@pytest.mark.parametrize("text", ["can i take xanax", 'it\'s "odd" $HOME `x`; rm', "--help", "-x"])
def test_a_question_reaches_the_bot_as_it_is(checkout, text):
    assert checkout.start("ask", TEXT=text).stdout == f"answer to {text}"


def test_settings_come_from_the_file_and_the_environment_wins(checkout):
    (checkout.folder / ".env").write_text("PORT=7000\n")
    assert "bot serve PORT=7000" in checkout.start("serve").stderr
    assert "bot serve PORT=7001" in checkout.start("serve", PORT="7001").stderr


def test_tests_add_their_packages_and_serving_keeps_them(checkout):
    checkout.start("setup")
    checkout.calls()
    checkout.start("lint")
    assert [call.split()[-1].rpartition("/")[2] for call in checkout.calls()] == ["requirements-dev.lock"]
    checkout.start("setup")
    assert checkout.calls() == []


def test_a_new_lock_is_installed(checkout):
    checkout.start("setup")
    checkout.calls()
    (checkout.folder / "requirements.lock").write_text("one==2 \\\n    --hash=sha256:00\n")
    checkout.start("setup")
    assert [call.split()[0] for call in checkout.calls()] == ["pip"]
    checkout.start("setup")
    assert checkout.calls() == []


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("no-network", "the package index cannot be reached"),
        ("full", "The disk is full"),
        ("forbidden", "no permission to write"),
        ("changed", "is not the one that was locked"),
        ("no-wheel", "odd-one is not offered for this machine"),
        ("does-not-load", "libodd.so.1"),
        ("strange", "something new went wrong"),
    ],
)
def test_a_failure_is_one_sentence_and_the_next_run_mends_it(checkout, trouble, says):
    assert says in only_sentence(checkout.start("setup", FAKE_UV=trouble))
    assert not checkout.stamp.exists()
    run = checkout.start("setup")
    assert run.returncode == 0, run.stderr
    assert checkout.stamp.exists()


def test_a_set_up_that_was_killed_is_begun_anew(checkout):
    assert checkout.start("setup", FAKE_UV="killed").returncode != 0
    checkout.calls()
    run = checkout.start("setup")
    assert run.returncode == 0
    assert "making it anew" in run.stderr
    assert [call.split()[0] for call in checkout.calls()] == ["venv", "pip"]


def test_another_python_behind_the_same_link_is_noticed(checkout):
    """As after an upgrade of the system: the link works, but the packages were installed for another version."""
    checkout.start("setup")
    checkout.stamp.write_text(json.dumps({**json.loads(checkout.stamp.read_text()), "python": "3.1.4"}))
    (checkout.stamp.parent / "bin/python").unlink()
    (checkout.stamp.parent / "bin/python").symlink_to(checkout.tools / "python3")
    checkout.calls()
    checkout.start("setup")
    assert [call.split()[0] for call in checkout.calls()] == ["venv", "pip"]


@pytest.mark.parametrize("damage", ["python gone", "folder emptied", "stamp unreadable", "a file in its place"])
def test_a_broken_environment_is_made_anew(checkout, damage):
    checkout.start("setup")
    venv = checkout.stamp.parent
    if damage == "python gone":
        (venv / "bin/python").unlink()
        (venv / "bin/python").symlink_to("/nowhere/python3")
    elif damage == "folder emptied":
        subprocess.run(["rm", "-r", str(venv / "bin"), str(checkout.stamp)], check=True)
    elif damage == "stamp unreadable":
        checkout.stamp.write_text("{")
    else:
        subprocess.run(["rm", "-r", str(venv)], check=True)
        venv.write_text("")
    checkout.calls()
    run = checkout.start("setup")
    assert run.returncode == 0, run.stderr
    assert [call.split()[0] for call in checkout.calls()] == ["venv", "pip"]
    assert not list(checkout.folder.glob(".venv-old-*"))


def test_two_at_once_install_once(checkout):
    command = ["sh", str(checkout.folder / "scripts/run.sh"), "setup"]
    environment = {
        "PATH": f"{checkout.tools}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(checkout.folder),
        "CHECKOUT": str(checkout.folder), "FAKE_UV": "slow",
    }  # fmt: skip
    runs = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    said = [run.communicate(timeout=60)[1].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted("waiting for it to finish" in text for text in said) == [False, True]
    assert [call.split()[0] for call in checkout.calls()] == ["venv", "pip"]


def test_no_python_that_fits(checkout):
    (checkout.folder / ".python-versions").write_text("3.99\n")
    sentence = only_sentence(checkout.start("setup"))
    assert "Python 3.99 is needed" in sentence
    assert any(call.startswith("python install 3.99") for call in checkout.calls())  # uv was asked to fetch one


def test_a_python_that_somebody_insists_on_must_work(checkout):
    assert "'/nowhere/python' is not a Python" in only_sentence(checkout.start("setup", "--python", "/nowhere/python"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written(checkout):
    checkout.folder.chmod(0o500)
    assert "No permission to write" in only_sentence(checkout.start("setup"))


def test_a_setting_that_cannot_be_read(checkout):
    (checkout.folder / ".env").write_text("PORT=1\nthis is no setting\n")
    assert "Line 2 of .env" in only_sentence(checkout.start("setup"))


def test_what_the_bot_says_about_its_own_set_up_decides(checkout):
    run = checkout.start("serve", FAKE_SETUP_CODE="3")
    assert run.returncode == 3
    assert "bot serve" not in run.stderr


def test_the_stamp_tells_how_it_was_made(checkout):
    checkout.start("setup")
    assert set(json.loads(checkout.stamp.read_text())) == {"python", "installer", "run"}


def test_everything_said_is_kept(checkout):
    checkout.start("setup", FAKE_UV="strange")
    assert "something new went wrong" in Path(checkout.folder / "var/setup.log").read_text()
