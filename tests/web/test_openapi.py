"""What /chat/openapi.json promises holds: schemathesis asks a running application on this machine, within bounds."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from starlette.applications import Starlette
from starlette.routing import Route

from bot.app import build
from bot.database.engine import make_engine
from bot.database.models import Base
from bot.settings import ROOT, Settings
from bot.web.api import DESCRIPTION, description
from bot.web.bounds import BoundedProtocol
from bot.web.commands import listen
from tests.web.fixtures import FakeBot

#: Requests for each operation, half of them as promised and half of them wrong; make it more with OPENAPI_EXAMPLES.
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "15"))
#: Seconds after which no further request is sent.
LONGEST = 60
#: The description cannot say which ids there are in a conversation, nor what cannot be seen of a text.
MAY_BE_REFUSED = {"send", "feedback"}


def test_it_describes_every_address_and_no_other(app: Starlette) -> None:
    served = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith("/chat/") and route.path != DESCRIPTION
        for method in route.methods or ()
        if method != "HEAD"
    }
    described = {(path, method) for path, methods in description()["paths"].items() for method in methods}
    assert described == served, "open bot/web/openapi.yml"


async def test_programs_can_read_it(client: httpx.AsyncClient) -> None:
    told = (await client.get(DESCRIPTION)).json()
    assert told["openapi"].startswith("3.1") and told["paths"] == description()["paths"]


def test_each_status_of_a_refusal_is_described() -> None:
    """Statuses that requests are refused with stand in the code as numbers."""
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            expected = {"403", "429", "503"} | ({"401"} if path != "/chat/sessions" else set())
            expected |= {"400", "408", "413"} if method == "post" else set()
            assert expected <= set(operation["responses"]), f"{method} {path}"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running application with a small bot and wide limits."""
    var = tmp_path_factory.mktemp("openapi")
    environment = {
        "EVENKEEL_VAR": str(var), "EVENKEEL_DATA": str(ROOT / "data"), "SECRET_KEY": "a secret for tests",
        "SESSION_LIMIT": "100000", "ADDRESS_LIMIT": "1000000",
    }  # fmt: skip
    settings = Settings.read(environment)
    engine = make_engine(settings.database_url)
    Base.metadata.create_all(engine)
    with contextlib.closing(listen("127.0.0.1", 0)) as listening, running(settings, engine, listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    engine.dispose()
    assert Path(var).exists()


@contextlib.contextmanager
def running(settings: Settings, engine: sa.Engine, listening: Any) -> Iterator[None]:
    app = build(settings, FakeBot(engine), engine)
    server = uvicorn.Server(uvicorn.Config(app, http=BoundedProtocol, ws="none", log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield
    server.should_exit = True
    thread.join(10)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_it_holds(address: str, mode: str) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed (make test installs it)")
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    schema = schemathesis.openapi.from_url(address + DESCRIPTION)
    until = time.monotonic() + LONGEST
    asked = dict.fromkeys((operation.ok().label for operation in schema.get_all_operations()), 0)
    for found in schema.get_all_operations():
        operation = found.ok()

        @bounded(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
        def ask(case: Any) -> None:
            if time.monotonic() > until:
                return
            token = httpx.post(f"{address}/chat/sessions").json()["token"]
            refusable = case.operation.definition.raw["operationId"] in MAY_BE_REFUSED
            headers = {} if case.path == "/chat/sessions" else {"Authorization": f"Bearer {token}"}
            case.call_and_validate(
                headers=headers, timeout=20, excluded_checks=[positive_data_acceptance] if refusable else []
            )
            asked[case.operation.label] += 1

        # What takes no body and no parameter has nothing that could be wrong about it.
        if mode == "positive" or "requestBody" in operation.definition.raw:
            ask()
    wrong = {label for label, times in asked.items() if times == 0}
    assert wrong <= ({"GET /chat/messages", "DELETE /chat/session"} if mode == "negative" else set())


def test_a_conversation_as_it_is_described(address: str) -> None:
    """Each answer of a whole conversation, checked against its schema."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed (make test installs it)")
    schema = schemathesis.openapi.from_url(address + DESCRIPTION)
    with httpx.Client(base_url=address) as client:

        def ask(method: str, path: str, status: int, body: Any = None, **headers: str) -> Any:
            response = client.request(method, path, json=body, headers=headers)
            assert response.status_code == status, response.text
            schema[path][method].validate_response(response)
            return response.json() if response.content else None

        token = ask("POST", "/chat/sessions", 201, {"locale": "en-GB", "country": "gb"})["token"]
        mine = {"Authorization": f"Bearer {token}"}
        [said] = ask("POST", "/chat/messages", 200, {"id": "1", "text": "xanax"}, **mine)["messages"]
        [help_first] = ask("POST", "/chat/messages", 200, {"id": "2", "text": "i want to die"}, **mine)["messages"]
        assert help_first["kind"] == "safety"
        ask("POST", "/chat/messages", 200, {"id": "3", "button": "s-1"}, **mine)
        ask("POST", "/chat/messages", 400, {"id": "4"}, **mine)
        assert len(ask("GET", "/chat/messages", 200, **mine)["messages"]) == 6
        ask("POST", "/chat/feedback", 204, {"message": said["id"], "helpful": True}, **mine)
        ask("POST", "/chat/messages", 200, {"id": "5", "text": "don't keep this"}, **mine)
        ask("POST", "/chat/keep", 204, {"keep": False}, **mine)
        ask("DELETE", "/chat/session", 204, **mine)
        ask("GET", "/chat/messages", 401, **mine)
