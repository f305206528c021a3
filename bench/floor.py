"""The least that a turn can cost: an echo, and one embedding by every encoder in use. `python -m bench.floor PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.language.encoder import ENCODER, Encoder, one_thread_for_matrices
from bot.settings import Settings


def application(data: Path) -> Starlette:
    """Takes {"text"} and gives it back, with the first number of its embedding."""
    encoder = Encoder(data / "vocabulary" / "bert-base-uncased.txt", data / ENCODER)

    async def echo(request: Request) -> JSONResponse:
        text = (await request.json())["text"]
        return JSONResponse({"text": text, "first": float(encoder.encode_one(text)[0])})

    return Starlette(routes=[Route("/", echo, methods=["POST"])])


if __name__ == "__main__":
    served = application(Settings.read().data)
    # As bot.web.commands has it.
    one_thread_for_matrices()
    uvicorn.run(served, port=int(sys.argv[1]), loop="asyncio", ws="none", log_config=None, access_log=False)
