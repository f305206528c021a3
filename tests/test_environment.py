"""Stands in for `pip check`: Rasa and a few others are installed without what they state to need.

Each stated requirement that is not met here stands in `NOT_MET` with the reason why that is well. A new one fails, and
so does an entry that is no longer true. Whether the libraries really work together is tested in tests/engine.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

PLACEHOLDER = "bot/engine/compat.py serves a placeholder; that part of Rasa is not used"
PIN = "a pin of its day; a later version was tried and works"
CLOUD = "reads and writes project files in cloud stores, which nothing here does"

#: Package -> what it states to need and does not have here -> why that is well.
NOT_MET: dict[str, dict[str, str]] = {
    "rasa": {
        # Left out, with a placeholder in its place
        "aiogram": PLACEHOLDER,
        "boto3": PLACEHOLDER,
        "cachecontrol": PLACEHOLDER,
        "confluent-kafka": PLACEHOLDER,
        "fbmessenger": PLACEHOLDER,
        "google-auth": PLACEHOLDER,
        "pymongo": PLACEHOLDER,
        "python-socketio": PLACEHOLDER,
        "randomname": PLACEHOLDER,
        "rocketchat-api": PLACEHOLDER,
        "sanic-jwt": PLACEHOLDER,
        "sentry-sdk": PLACEHOLDER,
        "sklearn-crfsuite": PLACEHOLDER,
        "slack-sdk": PLACEHOLDER,
        "structlog-sentry": PLACEHOLDER,
        "tensorflow": PLACEHOLDER,
        "tensorflow-hub": PLACEHOLDER,
        "tensorflow-text": PLACEHOLDER,
        "twilio": PLACEHOLDER,
        "webexteamssdk": PLACEHOLDER,
        "websockets": PLACEHOLDER,
        # Left out altogether
        "absl-py": "only TensorFlow asks for it",
        "colorclass": "only `rasa interactive` uses it",
        "colorhash": "only `rasa visualize` uses it",
        "dnspython": "only pymongo asks for it",
        "mattermostwrapper": "Rasa itself does not import it",
        "networkx": "only `rasa visualize` uses it",
        "psycopg2-binary": "psycopg 3 serves PostgreSQL here",
        "pydot": "only `rasa visualize` uses it",
        "python-engineio": "only python-socketio asks for it",
        "tensorflow-io-gcs-filesystem": "only TensorFlow asks for it",
        "wheel": "needed to build packages, not to run them",
        # Another version
        "aio-pika": "only EVENT_BROKER_URL asks for it, by bot/ops/publisher.py; Rasa's own broker is not used",
        "aiohttp": PIN,
        "apscheduler": PIN,
        "attrs": PIN,
        "jsonpickle": PIN,
        "jsonschema": PIN,
        "matplotlib": PIN,
        "packaging": f"{PIN}; compat.py supplies the one name that is gone",
        "portalocker": PIN,
        "prompt-toolkit": PIN,
        "protobuf": "Rasa itself does not import it",
        "pydantic": "Rasa itself does not import it",
        "python-dateutil": PIN,
        "pytz": PIN,
        "questionary": PIN,
        "redis": PIN,
        "regex": PIN,
        "safetensors": PIN,
        "setuptools": PIN,
        "skops": PIN,
        "sqlalchemy": f"{PIN}; bot/engine builds the database address, which Rasa does in the way of 1.3",
        "structlog": PIN,
        "tarsafe": PIN,
        "ujson": PIN,
    },
    "rasa-sdk": {
        "prompt-toolkit": PIN,
        "websockets": PLACEHOLDER,
        "wheel": "needed to build packages, not to run them",
    },
    "sanic": {
        "multidict": "the version it is pinned to has no wheel for Python 3.11",
        "websockets": PLACEHOLDER,
    },
    "dask": {
        "fsspec": "only its data frames and bags use it; Rasa uses the scheduler",
        "partd": "only its data frames and bags use it; Rasa uses the scheduler",
    },
    "pykwalify": {"docopt": "only its command line uses it"},
    "skops": {"prettytable": "only its model cards use it"},
    "spacy": {
        "spacy-legacy": "only pipelines made by older versions name its parts",
        "spacy-loggers": "only logs of `spacy train` go there",
    },
    "tokenizers": {"huggingface-hub": "only downloads use it; the vocabulary is a file in data/"},
    "weasel": {"cloudpathlib": CLOUD, "smart-open": CLOUD},
}

pytestmark = pytest.mark.compat


def locked() -> dict[str, str]:
    """Name -> version of every package in the larger lock that belongs on this machine."""
    found = {}
    for line in (ROOT / "requirements-dev.lock").read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            wish = Requirement(line.rstrip(" \\"))
            if wish.marker is None or wish.marker.evaluate():
                found[canonicalize_name(wish.name)] = str(wish.specifier).removeprefix("==")
    return found


def installed() -> dict[str, metadata.Distribution]:
    """Name -> each installed package that is locked; others, which a developer may have added, are not our matter."""
    names = locked()
    return {
        name: distribution
        # Not what setuptools carries along for itself, which pkg_resources puts on the path.
        for distribution in metadata.distributions(
            path=sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
        )
        if (name := canonicalize_name(distribution.metadata["Name"])) in names
    }


def unmet() -> dict[str, set[str]]:
    """Package -> the requirements it states for this Python and system that are not met."""
    here = installed()
    wanted_extras: dict[str, set[str]] = {"pyjwt": {"crypto"}, "psycopg": {"binary"}}
    missing: dict[str, set[str]] = {}
    for name, distribution in here.items():
        for text in distribution.requires or []:
            wish = Requirement(text)
            extras = wanted_extras.get(name, set()) | {""}
            if wish.marker and not any(
                wish.marker.evaluate({**default_environment(), "extra": extra}) for extra in extras
            ):
                continue
            other = canonicalize_name(wish.name)
            if other not in here or not wish.specifier.contains(here[other].version, prereleases=True):
                missing.setdefault(name, set()).add(other)
    return missing


def test_every_unmet_requirement_has_a_reason():
    without = {
        (package, wish) for package, wishes in unmet().items() for wish in wishes - set(NOT_MET.get(package, {}))
    }
    assert not without, "not met and not in NOT_MET (tests/test_environment.py)"


def test_every_reason_is_still_needed():
    now = unmet()
    stale = {(package, wish) for package, wishes in NOT_MET.items() for wish in set(wishes) - now.get(package, set())}
    assert not stale, "in NOT_MET (tests/test_environment.py), but met"


def test_what_our_code_imports_is_wished_for():
    """Nothing is used that is only here because something else happens to need it."""
    # The last two: imported where TRACES or EVENT_BROKER_URL is set, and not installed by default.
    files = ("requirements.in", "requirements-tracing.in", "requirements-broker.in")
    lists = "".join((ROOT / name).read_text(encoding="utf-8") for name in files)
    wished = re.findall(r"^([A-Za-z][\w-]*)", lists, re.MULTILINE)
    providers = metadata.packages_distributions()
    unwished = {
        name
        for name in imported_by_us() & set(providers)
        if not {canonicalize_name(package) for package in providers[name]} & set(map(canonicalize_name, wished))
    }
    assert not unwished, "imported, but not in requirements.in"


def imported_by_us() -> set[str]:
    """Top-level names that the modules of bot/ and actions/ import."""
    names = set()
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "actions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


def test_rasa_is_the_one_that_was_freed():
    assert installed()["rasa"].version == "3.6.21"


@pytest.mark.skipif(not (Path(sys.prefix) / "evenkeel-setup.json").exists(), reason="not an environment that make made")
def test_the_environment_holds_what_is_locked():
    stamp = json.loads((Path(sys.prefix) / "evenkeel-setup.json").read_text(encoding="utf-8"))
    assert "test" in stamp
    assert {name: distribution.version for name, distribution in installed().items()} == locked()
