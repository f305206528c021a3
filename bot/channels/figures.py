"""Figures about messengers for /metrics: how many, how long, and what went wrong; never who or what."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from bot.ops.health import Metrics


class Figures:
    """Added to the figures of one process."""

    def __init__(self, metrics: Metrics) -> None:
        registry = metrics.registry
        self.stage = metrics.stage
        self._webhooks = Counter(
            "evenkeel_webhooks", "Webhooks by what became of them.", ("channel", "result"), registry=registry
        )
        self._sends = Counter(
            "evenkeel_sends", "Requests to platforms by what became of them.", ("channel", "result"), registry=registry
        )
        self._backlog = Gauge(
            "evenkeel_channel_backlog",
            "Messages from messengers that wait for an answer.",
            ("channel",),
            registry=registry,
        )
        self._waited = Histogram(
            "evenkeel_channel_seconds",
            "Time from the acknowledgement of a message to its answer.",
            ("channel",),
            registry=registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
        )

    def webhook(self, channel: str, result: str) -> None:
        """Count a webhook: accepted, forged, malformed, busy."""
        self._webhooks.labels(channel, result).inc()

    def sent(self, channel: str, result: str) -> None:
        """Count a request: sent, later, dead, no signal."""
        self._sends.labels(channel, result).inc()

    def handled(self, channel: str, seconds: float) -> None:
        """Count a message that was answered `seconds` after it was taken in."""
        self._waited.labels(channel).observe(seconds)

    def backlog(self, waiting: Mapping[str, int], channels: Mapping[str, object]) -> None:
        """Say how many messages wait, by channel."""
        for channel in channels:
            self._backlog.labels(channel).set(waiting.get(channel, 0))
