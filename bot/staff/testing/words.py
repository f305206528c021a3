"""What the parts of the dialogue are called for people who do not know its inside."""

from __future__ import annotations

from collections.abc import Mapping

#: Intents that are no topic.
INTENTS = {
    "follow_up": "a question that leans on the turn before",
    "out_of_scope": "something that the bot does not answer",
    "crisis_selfharm": "somebody who may harm themselves",
    "medical_emergency": "an emergency",
    "urgent_care": "somebody who needs care today",
    "panic_now": "a panic attack now",
    "ask_dosing": "a question about doses or misuse",
    "greet": "a greeting",
    "goodbye": "a goodbye",
    "thanks": "thanks",
    "chitchat": "small talk",
    "ask_bot_identity": "who are you",
    "ask_capabilities": "what can you do",
    "tell_more": "tell me more",
    "ask_source": "where is that from",
    "affirm": "yes",
    "deny": "no",
    "unsure": "not sure",
    "not_what_i_meant": "not what I meant",
    "repeat_simpler": "say it more simply",
    "delete_my_data": "delete my data",
    "dont_keep": "do not keep this",
    "talk_to_person": "I want to talk to a person",
    "im_safe": "I am safe",
    "stop_flow": "stop the exercise",
    "next_step": "go on",
    "not_helping": "it does not help",
    "choose": "a button",
    "typed_command": "a text that looks like a command",
}
#: What the safety screen can find.
FINDINGS = {
    "crisis_selfharm": "somebody who may be about to harm themselves",
    "medical_emergency": "a medical emergency",
    "urgent_care": "a need for care today",
    "panic_now": "a panic attack that is going on",
    "refuse_dosing": "a request for doses or for misuse",
}
LAYERS = {
    "patterns": "by its wording",
    "classifier": "by what it has learned",
    "both": "by its wording and by what it has learned",
}
#: The parts of a passage's score (bot.articles.ranking).
PARTS = {
    "question": "like its ways of asking",
    "text": "like its text",
    "intent": "its topic",
    "aspect": "its aspect",
    "context": "the turn before",
    "drug": "the medicine",
}
#: What is remembered from turn to turn.
SLOTS = {
    "flow": "Guided conversation",
    "flow_step": "Step of the exercise",
    "last_topic": "Topic of the last answer",
    "last_topics": "What the last question was about, with shares",
    "last_passage": "Last passage",
    "last_question": "Last question",
    "last_drugs": "Medicines named",
    "shown": "Passages shown so far",
    "misses": "Not understood, times in a row",
    "crisis_until": "Number stays above replies until",
    "crisis_country": "Country that was named",
}
#: What may be expected of a turn (bot.dialogues.expectations), as a label.
EXPECTED = {
    "kind": "Kind of reply",
    "category": "Category",
    "topic": "Topic",
    "passage": "Passage",
    "drugs": "Medicines",
    "disclaimer": "Ends with the disclaimer",
    "sources": "Sources",
    "contacts": "Numbers and addresses",
    "buttons": "Buttons",
    "flow": "Step of the exercise",
    "says": "Says all of",
    "any": "Says one of",
    "never": "Never says",
    "wish": "What happens to the conversation",
    "intent": "Understood as",
}
#: States of results.
STATES = {
    "passed": ("as expected", "good"),
    "failed": ("different", "bad"),
    "known": ("fails, as is known", "care"),
    "mended": ("no longer fails", "care"),
    "broken": ("an error", "bad"),
}


def intent_in_words(name: str | None, topics: Mapping[str, str]) -> str:
    """An intent for people; `topics` maps the name of each topic to its title."""
    if not name:
        return "nothing"
    return INTENTS.get(name) or topics.get(name.removeprefix("ask_")) or name.replace("_", " ")


def value_in_words(value: object) -> str:
    """A value of an expectation or of what is remembered."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " · ".join(value_in_words(one) for one in value) or "none"
    return "none" if value is None else str(value)
