"""The steps of deploy/Containerfile without a container engine: what they build serves as nobody, from files it cannot
change.

Training takes minutes: the models of this installation stand in for that step unless DEPLOY_TRAIN=1.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest

from bot.settings import ROOT, Settings

NOBODY = 65534
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")


def uv() -> str | None:
    """The installer that make fetched, or one on PATH."""
    fetched = sorted((ROOT / "var" / "tools").glob("uv-*/bin/uv"))
    return str(fetched[-1]) if fetched else shutil.which("uv")


def copied(into: Path) -> None:
    """What `COPY . .` would bring, by Git's list and .dockerignore."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        parts = [name, *(parent.as_posix() for parent in Path(name).parents)]
        if (ROOT / name).is_file() and not any(fnmatch(part, pattern) for part in parts for pattern in ignored):
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, into / name)


@pytest.fixture(scope="module")
def image(trained: Settings) -> Iterator[Path]:
    """The folder /app of the image; not among pytest's own, which it keeps closed to everybody else."""
    if uv() is None and os.environ.get("CI") != "true":
        pytest.skip("without uv the packages would be fetched for minutes")
    with tempfile.TemporaryDirectory(prefix="evenkeel-image-") as folder:
        Path(folder).chmod(0o755)
        app = Path(folder) / "app"
        app.mkdir()
        build(app, trained)
        yield app


def build(app: Path, trained: Settings) -> None:
    """Have the steps of the Containerfile in `app`."""
    copied(app)
    steps = re.findall(r"^RUN sh (deploy/build\.sh \w+)$", CONTAINERFILE, re.MULTILINE)
    assert steps == ["deploy/build.sh packages", "deploy/build.sh models"]
    folder = str(Path(uv() or "/usr/bin/uv").parent)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHON": _base_python()}
    environment = {k: v for k, v in environment.items() if not k.startswith(("EVENKEEL_", "VIRTUAL_ENV", "PYTHONPATH"))}
    for step in steps:
        if step.endswith("models") and os.environ.get("DEPLOY_TRAIN") != "1":
            shutil.copytree(trained.models, app / "models", dirs_exist_ok=True)
            continue
        done = subprocess.run(["sh", *step.split()], cwd=app, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]


def _base_python() -> str:
    """The Python that nobody may run: the system's where it is of the same version as ours."""
    system = Path("/usr/bin/python3")
    said = subprocess.run([str(system), "-V"], capture_output=True, text=True).stdout if system.exists() else ""
    same = said.startswith(f"Python {sys.version_info.major}.{sys.version_info.minor}.")
    return str(system) if same else str(Path(sys.executable).resolve())


@pytest.fixture
def served(image: Path) -> Iterator[str]:
    """The container's process, in its one writable folder; its address."""
    var = image.parent / "volume"
    var.mkdir()
    as_nobody: list[str] = []
    python = Path(_base_python()).resolve()
    may_run = all(folder.stat().st_mode & 0o001 for folder in (python, *python.parents))
    if os.getuid() == 0 and shutil.which("setpriv") and may_run:
        os.chown(var, NOBODY, NOBODY)
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "EVENKEEL_VAR": str(var), "MPLCONFIGDIR": str(var),
        "PORT": "0", "LOG_FORMAT": "json", "LOG_LEVEL": "info", "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    log_file = var.parent / "log"
    log = log_file.open("w")
    server = subprocess.Popen(
        [*as_nobody, "sh", str(image / "deploy/start.sh")], env=environment, stdout=log, stderr=log, cwd="/"
    )
    until = time.monotonic() + 240
    try:
        while not (told := re.search(r"ready at http://[a-z.0-9]+:(\d+)/", log_file.read_text())):
            if server.poll() is not None or time.monotonic() > until:
                pytest.fail(f"the container's process does not serve: {log_file.read_text()[-2000:]}")
            time.sleep(0.5)
        address = f"http://127.0.0.1:{told[1]}"
        assert httpx.get(f"{address}/health/ready").status_code == 200
        yield address
    finally:
        server.terminate()
        server.wait(20)
        log.close()


@pytest.mark.slow
def test_it_serves_as_nobody(image: Path, served: str) -> None:
    with httpx.Client(base_url=served, timeout=30) as client:
        token = client.post("/chat/sessions").json()["token"]
        said = {"id": "1", "text": "is ketamine addictive"}
        reply = client.post("/chat/messages", json=said, headers={"Authorization": f"Bearer {token}"})
        assert reply.json()["messages"][0]["kind"] == "answer"
    healthy = [str(image / ".venv/bin/python"), str(image / "deploy/healthy.py")]
    port = served.rpartition(":")[2]
    assert subprocess.run(healthy, env={"PORT": port}).returncode == 0
    assert subprocess.run(healthy, env={"PORT": "1"}).returncode == 1
    if os.getuid() == 0:
        owners = {path.lstat().st_uid for path in image.rglob("*")}
        assert NOBODY not in owners, "it has written outside its folder"
