"""What lets Rasa 3.6.21 run here: placeholders, one old name, telemetry off. Runs on every supported Python."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path
from typing import Any, Optional

import pytest

from bot.engine import compat
from bot.engine.compat import ABSENT, MissingPackage
from bot.settings import ROOT

pytestmark = pytest.mark.compat


def in_new_process(program: str) -> dict[str, Any]:
    """What `program` leaves in its variable `told`, run where nothing has been imported yet."""
    done = subprocess.run(
        [sys.executable, "-c", f"told = {{}}\n{textwrap.dedent(program)}\nimport json\nprint(json.dumps(told))"],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


# -- placeholders ------------------------------------------------------------------------------------------------


def _imported_by_rasa() -> set[str]:
    """Every module that Rasa, its SDK or its web server names in an import, with the packages above it."""
    found: set[str] = set()
    for package in ("rasa", "rasa_sdk", "sanic"):
        for path in (Path(sysconfig.get_path("purelib")) / package).rglob("*.py"):
            for name in re.findall(r"^\s*(?:import|from)\s+([A-Za-z_][\w.]*)", path.read_text("utf-8"), re.MULTILINE):
                parts = name.split(".")
                found |= {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    return found


def test_a_placeholder_stands_in_for_what_rasa_imports() -> None:
    assert not set(ABSENT) - _imported_by_rasa(), "in ABSENT (bot/engine/compat.py), but nothing imports it"


#: The tests publish events: what that needs (requirements-broker.in) is installed beside them, and no placeholder here.
INSTALLED_FOR_TESTS = {"aio_pika", "aiormq"}


@pytest.mark.parametrize("package", sorted(set(ABSENT) - INSTALLED_FOR_TESTS))
def test_a_placeholder_can_be_imported_whatever_is_asked_of_it(package: str) -> None:
    module = importlib.import_module(f"{package}.some.part")
    assert isinstance(module.SomeName, type)
    assert not hasattr(module, "__no_such_dunder__")


def test_a_placeholder_can_be_a_base_class() -> None:
    import tensorflow as tf

    class Layer(tf.keras.layers.Layer):
        def __init__(self, size: int) -> None:
            super().__init__()

        limit = 3

    class Deeper(Layer): ...

    assert Deeper.limit == 3
    for built in (Layer, Deeper):
        with pytest.raises(MissingPackage, match=r"tensorflow\.keras\.layers\.Layer.*Rasa's neural components"):
            built(2)


def test_a_placeholder_can_stand_in_annotations() -> None:
    import tensorflow as tf

    def function(one: tf.Tensor | None, other: Optional[tf.Tensor]) -> dict[str, tf.data.Dataset]:  # noqa: UP045
        return {}

    assert function(None, None) == {}
    assert tf.Tensor[int] is tf.Tensor


def test_a_placeholder_can_be_a_decorator() -> None:
    import tensorflow as tf

    @tf.function
    def plain() -> int:
        return 1

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def with_arguments() -> int:
        return 2

    @tf.keras.utils.register_keras_serializable(package="rasa")
    class Registered:
        value = 3

    assert (plain(), with_arguments(), Registered().value) == (1, 2, 3)


def test_a_placeholder_can_be_an_exception() -> None:
    import botocore.exceptions

    try:
        raise KeyError("not that one")
    except botocore.exceptions.ClientError:  # type: ignore[misc]
        pytest.fail("a placeholder caught what is not its own")
    except KeyError:
        pass


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda thing: thing.value, id="an attribute"),
        pytest.param(lambda thing: setattr(thing, "value", 1), id="setting one"),
        pytest.param(lambda thing: thing(1, 2), id="calling it"),
        pytest.param(bool, id="its truth"),
        pytest.param(list, id="going through it"),
    ],
)
@pytest.mark.parametrize("package", ["tensorflow", "pymongo", "google.auth"])
def test_real_use_names_the_package_and_what_it_would_be_for(package: str, use: Any) -> None:
    made = importlib.import_module(package).Thing("an argument")
    with pytest.raises(MissingPackage) as raised:
        use(made)
    assert f"'{package}'" in str(raised.value)
    assert ABSENT[package] in str(raised.value)
    assert "config.yml or endpoints.yml" in str(raised.value)


def test_other_libraries_may_ask_what_a_tensor_is() -> None:
    import tensorflow as tf

    assert tf.is_tensor([1, 2]) is False


def test_an_installed_package_is_no_placeholder(tmp_path: Path) -> None:
    """Whoever installs Redis's or Google's library gets it, and not what hides it."""
    for name in ("redis", "google/auth"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("real = True\n")
    told = in_new_process(f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from bot.engine import compat
        compat.prepare()
        import confluent_kafka, google.auth, google.oauth2, redis
        told["real"] = [module.__name__ for module in (redis, google.auth) if module.real is True]
        told["placeholders"] = [type(module).__name__ for module in (confluent_kafka, google.oauth2)]
        try:
            import redis.asyncio
        except ModuleNotFoundError as error:
            told["missing"] = error.name
    """)
    assert told == {
        "real": ["redis", "google.auth"],
        "placeholders": ["_AbsentModule", "_AbsentModule"],
        "missing": "redis.asyncio",
    }


def test_other_missing_packages_stay_missing() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_package_at_all")


# -- preparing ---------------------------------------------------------------------------------------------------


def test_preparing_again_changes_nothing() -> None:
    before = list(sys.meta_path)
    compat.prepare()
    assert sys.meta_path == before
    assert [type(finder).__name__ for finder in sys.meta_path].count("_AbsentFinder") == 1


def test_preparing_too_late_is_said() -> None:
    told = in_new_process("""
        import sys, types
        sys.modules["rasa.core"] = types.ModuleType("rasa.core")
        from bot.engine import compat
        try:
            compat.prepare()
        except RuntimeError as error:
            told["error"] = str(error)
    """)
    assert "before anything of Rasa's" in told["error"]


def test_the_old_name_of_a_version_is_there() -> None:
    from packaging.version import LegacyVersion, parse

    assert not isinstance(parse("3.6.21"), LegacyVersion)


def test_rasa_can_be_imported_and_does_not_phone_home() -> None:
    told = in_new_process("""
        import os, sys
        os.environ.pop("RASA_TELEMETRY_ENABLED", None)
        from bot.engine import compat
        compat.prepare()
        import rasa.core.agent, rasa.model_training, rasa.telemetry, rasa.version
        told.update(
            version=rasa.version.__version__,
            enabled=rasa.telemetry.is_telemetry_enabled(),
            variable=os.environ["RASA_TELEMETRY_ENABLED"],
            real=[n for n in ("tensorflow", "sentry_sdk", "redis") if getattr(sys.modules.get(n), "__file__", None)],
        )
    """)
    assert told == {"version": "3.6.21", "enabled": False, "variable": "false", "real": []}


def test_what_needs_no_rasa_imports_none() -> None:
    """Actions, articles and screen start without it: it costs seconds and 200 MB."""
    told = in_new_process("""
        import sys
        from bot.engine import compat
        compat.prepare()
        import actions.answer, actions.panic, actions.safety, bot.articles.store, bot.screen.screen, bot.service
        told["rasa"] = sorted(name for name in sys.modules if name == "rasa" or name.startswith("rasa."))
        told["heavy"] = sorted({"onnxruntime", "sklearn", "matplotlib"} & set(sys.modules))
    """)
    assert told == {"rasa": [], "heavy": []}


def test_rasa_is_imported_without_what_only_its_neural_components_need() -> None:
    told = in_new_process("""
        import sys
        from bot.engine import engine
        told["heavy"] = sorted({"sklearn", "scipy.stats"} & set(sys.modules))
        from rasa.utils.tensorflow.model_data import RasaModelData
        try:
            RasaModelData().number_of_examples()
        except ImportError as error:
            told["error"] = str(error)
    """)
    assert told["heavy"] == []
    assert "'tensorflow' is not installed" in told["error"]


@pytest.mark.parametrize("terminal", [False, True])
def test_what_asks_at_a_terminal_is_imported_for_rasas_own_commands_alone(terminal: bool) -> None:
    told = in_new_process(f"""
        import sys
        from bot.engine import compat
        compat.prepare(terminal={terminal})
        import rasa.core.agent
        from rasa.core.channels.console import questionary
        told["real"] = sorted(
            name for name in ("questionary", "prompt_toolkit") if getattr(sys.modules.get(name), "__file__", None)
        )
        try:
            questionary.text("What is your name?").kbi_msg
        except compat.MissingPackage as error:
            told["error"] = "Rasa's own terminal" in str(error)
        except AttributeError:
            told["error"] = "asks"
    """)
    wanted = {"real": ["prompt_toolkit", "questionary"], "error": "asks"} if terminal else {"real": [], "error": True}
    assert told == wanted
