"""A message can be followed by its id through logs, figures and traces, and none of them holds a word of it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.app import build
from bot.errors import SettingError
from bot.ops import logs, steps, traces
from bot.ops.health import Metrics
from bot.service import Bot, Turn
from bot.settings import Settings
from tests.channels.fixtures import office
from tests.web.fixtures import FakeBot, Visitor, browser, changed

WORDS = "quaggaflute"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged as JSON, from info on."""
    root, ours = logging.getLogger(), logging.getLogger("bot")
    before = list(root.handlers), root.level, ours.level
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_one_id_through_every_line_of_a_request(app: Starlette, written: io.StringIO) -> None:
    async with browser(app) as client:
        visitor = await Visitor.arrive(client)
        response = await visitor.say(f"is {WORDS} safe")
    mine = [line for line in lines(written) if line.get("request") == response.headers["x-request-id"]]
    assert [line["event"] for line in mine] == ["request"]
    assert mine[0] | {"seconds": 0, "at": ""} == {
        "at": "", "level": "info", "logger": "bot.steps", "event": "request", "request": mine[0]["request"],
        "method": "POST", "endpoint": "send", "status": 200, "seconds": 0,
    }  # fmt: skip
    assert WORDS not in written.getvalue() and visitor.token not in written.getvalue()


IDS = [
    ("nobody in front", 0, "from-somebody-else", False),
    ("a proxy's", 1, "0af7651916cd43dd8448eb211c80319c", True),
    ("a proxy that passes anything on", 1, "two words\tand a tab", False),
    ("much too long", 1, "a" * 200, False),
]


@pytest.mark.parametrize(("proxies", "given", "taken"), [row[1:] for row in IDS], ids=[row[0] for row in IDS])
async def test_whose_id(
    settings: Settings, engine: sa.Engine, fake_bot: FakeBot, proxies: int, given: str, taken: bool
) -> None:
    app = build(changed(settings, trusted_proxies=proxies), fake_bot, engine)
    async with browser(app) as client:
        answered = (await client.get("/health/live", headers={"X-Request-ID": given})).headers["x-request-id"]
    assert (answered == given) is taken and len(answered) >= 8


async def test_an_error_bears_the_id_and_no_words(
    settings: Settings, engine: sa.Engine, fake_bot: FakeBot, written: io.StringIO
) -> None:
    fake_bot.error = ValueError(f"could not read {WORDS}")
    async with browser(build(settings, fake_bot, engine)) as client:
        response = await (await Visitor.arrive(client)).say(WORDS)
    assert response.status_code == 503
    [line] = [line for line in lines(written) if line["level"] == "error"]
    assert line["request"] == response.headers["x-request-id"] and "ValueError" in line["event"]
    assert WORDS not in written.getvalue()


def test_an_exception_that_a_library_logs_loses_its_words(written: io.StringIO) -> None:
    try:
        raise ValueError(f"INSERT {WORDS}")
    except ValueError:
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=True)
    [line] = lines(written)
    assert line["error"].startswith("ValueError at ") and WORDS not in written.getvalue()


def test_lines_for_people(written: io.StringIO) -> None:
    stream = io.StringIO()
    logs.configure("text", "info", stream)
    with steps.within("abcdefgh", None):
        steps.note("turn", channel="web", seconds=0.123456, danger=None)
    told = stream.getvalue().split(" ", 1)[1]
    assert told == "info bot.steps [abcdefgh] turn channel=web seconds=0.1235 danger=None\n"
    logs.configure("text", "warning", stream := io.StringIO())
    steps.note("turn")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("name", "value"), [("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud"), ("TRACES", "collector")])
def test_settings_are_refused_early(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"{name} is '{value}'"):
        Settings.read({"EVENKEEL_VAR": str(tmp_path), name: value})


async def test_a_messengers_message_keeps_the_id_of_its_webhook(tmp_path: Path, written: io.StringIO) -> None:
    async with office(tmp_path) as here:
        with steps.within("0123456789abcdef", None):
            await here.deliver(here.stand_ins["telegram"].text("77003", f"is {WORDS} safe"))
        await here.quiet()
        told = [
            (line["event"], line.get("request")) for line in lines(written) if line["event"] in ("answered", "sent")
        ]
    assert told[:2] == [("answered", "0123456789abcdef"), ("sent", "0123456789abcdef")]
    assert WORDS not in written.getvalue() and "77003" not in written.getvalue()
    figures = here.messengers._metrics.text().decode()
    assert 'evenkeel_stage_seconds_count{stage="send"}' in figures


# -- the real bot -------------------------------------------------------------------------------------------------

STAGES = {"read", "screen", "dialogue", "lock wait", "understand", "action"}


@pytest.mark.slow
async def test_each_part_of_a_turn_is_measured(trained_bot: Bot, written: io.StringIO) -> None:
    metrics = Metrics()
    with steps.within(steps.new_id(), metrics):
        await trained_bot.handle(Turn("steps-1", f"can i take {WORDS} with it"))
    figures = metrics.text().decode()
    assert {name for name in STAGES if f'evenkeel_stage_seconds_count{{stage="{name}"}}' in figures} == STAGES
    [line] = [line for line in lines(written) if line["event"] == "turn"]
    assert line["channel"] == "web" and line["seconds"] >= line["dialogue"] > 0 and line["failed"] is False
    assert WORDS not in written.getvalue() and "steps-1" not in written.getvalue()


@pytest.mark.slow
async def test_lock_wait_is_the_time_until_ones_turn(trained_bot: Bot) -> None:
    metrics = Metrics()

    async def say(number: int) -> None:
        with steps.within(steps.new_id(), metrics):
            await trained_bot.handle(Turn("steps-2", "what is ketamine", message_id=str(number)))

    await asyncio.gather(*(say(number) for number in range(3)))
    told = metrics.text().decode()
    assert 'evenkeel_stage_seconds_count{stage="lock wait"} 3.0' in told


def test_it_costs_nearly_nothing() -> None:
    """A turn has about ten stages: together well under a thousandth of what it takes."""
    metrics, times = Metrics(), 20_000

    def each() -> float:
        began = time.perf_counter()
        for _ in range(times):
            with steps.stage("read"):
                pass
        return (time.perf_counter() - began) / times

    off = min(each() for _ in range(3))
    with steps.within("abcdefgh", metrics):
        on = min(each() for _ in range(3))
    print(f"a stage: {off * 1e6:.2f} µs outside, {on * 1e6:.2f} µs with figures")
    assert off < 20e-6 and on < 60e-6


# -- traces -------------------------------------------------------------------------------------------------------


@pytest.fixture
def spans() -> Iterator[list[Any]]:
    """Spans that would be sent."""
    memory = pytest.importorskip(
        "opentelemetry.sdk.trace.export.in_memory_span_exporter",
        reason="OpenTelemetry is not installed (make test installs it)",
    )
    exporter, told = memory.InMemorySpanExporter(), []

    class Ended(list):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[Any]:
            return iter(exporter.get_finished_spans())

    provider = traces.start(Settings.read({}), exporter)
    yield Ended(told)
    traces.stop(provider)


async def test_traces(app: Starlette, spans: list[Any]) -> None:
    async with browser(app) as client:
        visitor = await Visitor.arrive(client)
        response: httpx.Response = await visitor.say(f"is {WORDS} safe")
    root = next(s for s in spans if s.attributes.get("request") == response.headers["x-request-id"])
    parts = {span.name for span in spans if span.parent and span.parent.span_id == root.context.span_id}
    assert root.name == "request" and {"claim", "store"} <= parts
    assert WORDS not in "".join(span.to_json() for span in spans)


async def test_a_failure_is_in_no_trace(
    settings: Settings, engine: sa.Engine, fake_bot: FakeBot, spans: list[Any]
) -> None:
    fake_bot.error = ValueError(WORDS)
    async with browser(build(settings, fake_bot, engine)) as client:
        await (await Visitor.arrive(client)).say(WORDS)
    assert WORDS not in "".join(span.to_json() for span in spans)


def test_off_looks_for_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert traces.start(settings) is None and steps.tracer is None
    with pytest.raises(SettingError, match=r"requirements-tracing\.lock"):
        traces.start(changed(settings, traces="http://127.0.0.1:4318"))
