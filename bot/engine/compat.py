"""Lets Rasa 3.6.21 run on Python 3.11 and 3.12 without TensorFlow and without its old pins.

Call `prepare()` before anything of Rasa's is imported; calling it again does nothing. It

* serves placeholder packages for TensorFlow and for the libraries of messengers, brokers and stores that
  Rasa imports at start and this project does not use (`ABSENT`): their names can be imported, subclassed,
  subscripted, used in annotations and as decorators, and raise `MissingPackage` once something is really
  built with them. Where such a package is installed, it is that package that is imported;
* serves placeholders for two modules of Rasa's own as well that are of use to TensorFlow alone, and, but for Rasa's
  own command line, for what asks questions at a terminal;
* keeps a library of Rasa's from importing the Redis client, half a second of work for something that nobody uses;
* supplies `packaging.version.LegacyVersion`, which `packaging` dropped in version 22 and Rasa still names;
* switches Rasa's telemetry and crash reports off.

`patch_tracker_url()` mends the one place where Rasa builds a database address in the way of SQLAlchemy 1.3.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
import types
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

#: Packages that Rasa or Sanic imports and that need not be installed here, with what they would be for.
ABSENT: dict[str, str] = {
    "tensorflow": "Rasa's neural components (DIET, TED)",
    "tensorflow_hub": "Rasa's neural components",
    "tensorflow_text": "Rasa's neural components",
    "keras": "Rasa's neural components",
    "aiogram": "Rasa's own Telegram channel",
    "fbmessenger": "Rasa's own Messenger channel",
    "rocketchat_API": "Rasa's own Rocket.Chat channel",
    "slack_sdk": "Rasa's own Slack channel",
    "twilio": "Rasa's own Twilio channels",
    "webexteamssdk": "Rasa's own Webex channel",
    "socketio": "Rasa's own Socket.IO channel",
    "websockets": "web sockets on Rasa's own server (Sanic needs a version that has no wheel for Python 3.12)",
    "confluent_kafka": "Rasa's Kafka event broker",
    "aio_pika": "Rasa's RabbitMQ event broker",
    "aiormq": "Rasa's RabbitMQ event broker",
    "pymongo": "Rasa's MongoDB tracker store",
    "boto3": "Rasa's DynamoDB tracker store and S3 model storage",
    "botocore": "Rasa's DynamoDB tracker store and S3 model storage",
    "sentry_sdk": "Rasa's crash reports",
    "structlog_sentry": "Rasa's crash reports",
    "cachecontrol": "Rasa's Hangouts channel",
    "google.auth": "Rasa's Hangouts channel",
    "google.oauth2": "Rasa's Hangouts channel",
    "sklearn_crfsuite": "Rasa's CRF entity extractor",
    "sanic_jwt": "sign-in to Rasa's own HTTP API",
    "randomname": "Rasa's random model names",
}

#: Modules of Rasa's that only its neural components use, and that import half of scikit-learn and SciPy for them.
_NEURAL = ("rasa.utils.tensorflow.model_data", "rasa.utils.tensorflow.data_generator")
#: Packages that are installed for Rasa's own command line; what serves does without them and starts sooner.
_TERMINAL: dict[str, str] = {"questionary": "Rasa's own terminal", "prompt_toolkit": "Rasa's own terminal"}

_NAMESPACES = frozenset(name.partition(".")[0] for name in ABSENT if "." in name)


class MissingPackage(ImportError):
    """Something was really used of a package that this project leaves out."""


def _missing(what: str) -> NoReturn:
    known = ABSENT | _TERMINAL
    package = next((p for p in known if what == p or what.startswith(p + ".")), what.split(".")[0])
    purpose = known.get(package, "a part of Rasa that is left out here")
    raise MissingPackage(
        f"{what} was used, but the package '{package}' is not installed: it serves {purpose}, which this "
        "project does without. Take the component that needs it out of config.yml or endpoints.yml."
    )


class _PlaceholderType(type):
    """The class of placeholder classes: any attribute is a further placeholder."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{cls.__absent__}.{name}")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "__absent__" not in cls.__dict__:  # a subclass that Rasa wrote, about to be built for real
            _missing(cls.__absent__)
        if len(args) == 1 and not kwargs and callable(args[0]):  # used as a plain decorator
            return args[0]
        return _Pending(cls.__absent__)


class _Pending:
    """What calling a placeholder gives: harmless as a decorator, an error in any other use."""

    def __init__(self, what: str) -> None:
        object.__setattr__(self, "_what", what)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and callable(args[0]):
            return args[0]
        _missing(self._what)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _missing(self._what)

    def __setattr__(self, name: str, value: Any) -> None:
        _missing(self._what)

    def __bool__(self) -> bool:
        _missing(self._what)

    def __iter__(self) -> Any:
        _missing(self._what)


def _placeholder(what: str) -> Any:
    # Exceptions are named in `except` clauses and must be exception classes there.
    if what.endswith(("Error", "Exception", "Warning")):
        return type(what.rpartition(".")[2], (Exception,), {"__absent__": what})
    return _PlaceholderType(
        what.rpartition(".")[2], (), {"__absent__": what, "__class_getitem__": classmethod(lambda cls, item: cls)}
    )


class _AbsentModule(types.ModuleType):
    """A module of an absent package: every public name in it is a placeholder."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = _placeholder(f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


def _never_a_tensor(value: object) -> bool:
    """Stands in for `tensorflow.is_tensor`, which matplotlib asks of any value it is given."""
    return False


class _AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves `_AbsentModule` for packages in `ABSENT` and what would lie below them; asked after all other finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        # Below a package that is really there, what is missing stays missing: others probe for it.
        below_a_placeholder = isinstance(sys.modules.get(fullname.rpartition(".")[0]), _AbsentModule)
        if fullname in ABSENT or fullname in _NAMESPACES or below_a_placeholder:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _AbsentModule(spec.name)
        module.__path__ = []
        if spec.name == "tensorflow":
            module.is_tensor = _never_a_tensor  # type: ignore[attr-defined]
        if spec.name == "randomname":
            module.get_name = lambda: "evenkeel"  # type: ignore[attr-defined]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run: the module is complete when it is created."""


class _UnusedFinder(_AbsentFinder):
    """Serves placeholders for modules that are there and of no use to this process; asked before all other finders."""

    def __init__(self, modules: Collection[str]) -> None:
        self._modules = frozenset(modules)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        unused = fullname in self._modules
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True) if unused else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _AbsentModule("tensorflow" if spec.name in _NEURAL else spec.name)
        module.__path__ = []
        return module


def _supply_legacy_version() -> None:
    import packaging.version

    if not hasattr(packaging.version, "LegacyVersion"):

        class LegacyVersion(packaging.version.Version):
            """Named by Rasa in an isinstance check only; no version is ever one."""

        packaging.version.LegacyVersion = LegacyVersion  # type: ignore[attr-defined]


def prepare(*, terminal: bool = False) -> None:
    """Make Rasa importable in this process. Idempotent; must run before the first import of `rasa`.

    Args:
        terminal: Rasa is going to ask questions at a terminal.

    Raises:
        RuntimeError: `rasa` was imported before, so it is too late.
    """
    if any(isinstance(finder, _AbsentFinder) for finder in sys.meta_path):
        return
    if "rasa.core" in sys.modules or "rasa.engine" in sys.modules:
        raise RuntimeError("bot.engine.compat.prepare() must run before anything of Rasa's is imported")
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    # SQLAlchemy 2 warns about every old-style call unless told that this is known.
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    unused = () if terminal else tuple(_TERMINAL)
    if importlib.machinery.PathFinder.find_spec("tensorflow") is None:
        unused += _NEURAL
    sys.meta_path.insert(0, _UnusedFinder(unused))
    sys.meta_path.append(_AbsentFinder())
    # portalocker takes the failure to import it for "not installed".
    sys.modules.setdefault("portalocker.redis", None)  # type: ignore[arg-type]
    _supply_legacy_version()
