"""Names of things as staff read them."""

from __future__ import annotations

from bot.web.showing import LANGUAGES

CHANNELS = {
    "web": "Web chat",
    "telegram": "Telegram",
    "messenger": "Messenger",
    "whatsapp": "WhatsApp",
    "twilio": "SMS (Twilio)",
    "slack": "Slack",
}
KINDS = {
    "answer": "answered",
    "clarify": "asked back",
    "fallback": "not understood",
    "safety": "safety",
    "smalltalk": "small talk",
    "refusal": "declined",
}
CATEGORIES = {
    "crisis_selfharm": "thoughts of suicide or self-harm",
    "medical_emergency": "medical emergency",
    "urgent_care": "needs care soon",
    "panic_now": "panic right now",
    "refuse_dosing": "asked for a dose",
    "out_of_scope": "outside what the bot covers",
    "smalltalk": "small talk",
}


def language_name(code: str) -> str:
    """A language in English; the code itself where we have no word for it."""
    return LANGUAGES.get(code, code)
