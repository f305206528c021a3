"""OpenTelemetry traces, where `TRACES` names a collector: spans of a message's way, with names and times alone.

The libraries are not installed by default (requirements-tracing.lock), and without the setting they are not looked for.
"""

from __future__ import annotations

from typing import Any

from bot.errors import SettingError
from bot.ops import steps
from bot.settings import Settings


def start(settings: Settings, exporter: Any = None) -> Any:
    """Send traces from now on; what has to be shut down in the end, or None where traces are off.

    Args:
        exporter: where spans go; None: to the collector of the settings, in the background.

    Raises:
        SettingError: the libraries are not there.
    """
    if not settings.traces and exporter is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    except ImportError:
        raise SettingError(
            f"TRACES is {settings.traces!r}, but OpenTelemetry is not installed: install requirements-tracing.lock as "
            "well, or leave TRACES empty."
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "evenkeel"}))
    if exporter is None:
        processor: Any = BatchSpanProcessor(OTLPSpanExporter(f"{settings.traces.rstrip('/')}/v1/traces"))
    else:
        processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    begin = provider.get_tracer("evenkeel").start_as_current_span
    # An exception's text can quote what somebody wrote.
    steps.tracer = lambda name: begin(name, record_exception=False, set_status_on_exception=False)
    return provider


def stop(provider: Any) -> None:
    """Send what is left, and no more."""
    steps.tracer = None
    if provider is not None:
        provider.shutdown()
