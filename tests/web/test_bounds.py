"""Slow, greedy and too many clients, over real connections on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.ops.health import Metrics
from bot.settings import Settings
from bot.web.bounds import MOST_HEAD, BoundedProtocol, Bounds
from bot.web.commands import listen
from tests.web.fixtures import Visitor, browser


class Hasty(BoundedProtocol):
    head_within, fetched_within, most_connections = 0.3, 0.5, 10


@contextlib.asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[int]:
    """`app` behind the protocol, with short limits; the port."""
    with contextlib.closing(listen("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, http=Hasty, ws="none", log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def small(request: Request) -> Response:
    return PlainTextResponse("here")


async def large(request: Request) -> Response:
    return PlainTextResponse("x" * 40_000_000)


APP = Starlette(routes=[Route("/", small, methods=["GET", "POST"]), Route("/large", large)])


async def until_cut(reader: asyncio.StreamReader) -> tuple[bytes, float]:
    """What came until the other side ended the connection, and after how many seconds that was."""
    began = time.monotonic()
    told = b""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(65536):
                told += part
    return told, time.monotonic() - began


SLOW = [
    ("says nothing", b""),
    ("stops in the first line", b"GET / HT"),
    ("stops in a header", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "),
]


@pytest.mark.parametrize("said", [row[1] for row in SLOW], ids=[row[0] for row in SLOW])
async def test_a_slow_head_is_cut(said: bytes) -> None:
    async with served(APP) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        told, seconds = await until_cut(reader)
        assert told == b"" and 0.1 < seconds < 2
        writer.close()


async def test_a_head_that_drips_is_cut_as_well() -> None:
    async with served(APP) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n")

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                for _ in range(100):
                    writer.write(b"X-A: b\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        _, seconds = await until_cut(reader)
        assert seconds < 2
        dripping.cancel()


async def test_a_long_head_is_refused() -> None:
    async with served(APP) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * (MOST_HEAD + 70_000))
        told, _ = await until_cut(reader)
        assert told.startswith(b"HTTP/1.1 400") and b"too long" in told


async def test_a_second_request_on_the_same_connection_is_served() -> None:
    async with served(APP) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/")).text == "here"
        await asyncio.sleep(0.6)  # longer than a head may take: between two requests nobody is hurried
        assert (await client.get("/")).text == "here"


async def test_a_body_that_nobody_reads_ends_the_connection() -> None:
    async with served(APP) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
        told, seconds = await until_cut(reader)
        assert told.endswith(b"here") and seconds < 2


async def test_who_does_not_fetch_the_answer_is_cut() -> None:
    async with served(APP) as port:
        with contextlib.closing(socket.create_connection(("127.0.0.1", port))) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(1.5)
            client.settimeout(5)
            received = 0
            with contextlib.suppress(ConnectionError):
                while part := client.recv(1 << 20):
                    received += len(part)
            assert received < 40_000_000


async def test_more_connections_than_allowed_are_closed() -> None:
    async with served(APP) as port:
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(12)]
        _, seconds = await until_cut(opened[-1][0])
        assert seconds < 0.25
        for _, writer in opened:
            writer.close()


# -- requests -----------------------------------------------------------------------------------------------------


async def test_too_much_at_a_time() -> None:
    gate, metrics = asyncio.Event(), Metrics()

    async def slow(request: Request) -> Response:
        await gate.wait()
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/", slow), Route("/health/live", small)])
    app.add_middleware(Bounds, metrics=metrics, most=2)
    async with browser(app) as client:
        waiting = [asyncio.create_task(client.get("/")) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await client.get("/")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert "emergency" in refused.json()["error"]["message"]
        assert (await client.get("/health/live")).status_code == 200
        gate.set()
        assert [(await task).text for task in waiting] == ["done", "done"]
        assert (await client.get("/")).text == "done"
    assert 'evenkeel_limited_total{by="process"} 1.0' in metrics.text().decode()


async def test_a_request_that_takes_too_long() -> None:
    async def endless(request: Request) -> Response:
        await asyncio.sleep(60)
        return PlainTextResponse("never")

    app = Starlette(routes=[Route("/", endless)])
    app.add_middleware(Bounds, metrics=Metrics(), seconds=0.1)
    async with browser(app) as client:
        assert (await client.get("/")).status_code == 503


async def test_every_address_has_the_bounds(app: Starlette, settings: Settings) -> None:
    assert any(layer.cls is Bounds for layer in app.user_middleware)
    async with browser(app) as client:
        visitor = await Visitor.arrive(client)
        long = b'{"id": "1", "text": "' + b"a" * 600_000 + b'"}'
        for path in ("/chat/messages", "/chat/sessions", "/chat/feedback", "/chat/keep"):
            headers = {**visitor.headers, "Content-Type": "application/json"}
            assert (await client.post(path, content=long, headers=headers)).status_code == 413, path
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": settings.public_url}
        assert (await client.post("/staff/sign-in", content=long, headers=form)).status_code in (404, 413)
