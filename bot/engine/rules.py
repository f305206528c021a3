"""Rasa's rule policy, which finds the rules that may apply in an index instead of trying every one.

Its predictions are those of Rasa's own class, and so is its name: predictions and stored events carry it. Rules are
learned by Rasa's class; this one takes its place when a model is loaded (`bot.engine.runner`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import rasa.core.policies.rule_policy
from rasa.core.policies.rule_policy import (
    DEFAULT_RULES,
    LOOP_RULES,
    RULES,
    RULES_FOR_LOOP_UNHAPPY_PATH,
    RULES_NOT_IN_STORIES,
)
from rasa.shared.core.constants import PREVIOUS_ACTION, SHOULD_NOT_BE_SET, USER
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

from bot.engine.states import last_states


class _Index:
    """Rules by the action before and the intent that their last state asks for.

    A rule that asks for neither in the plain way is always among the candidates.
    """

    def __init__(self, last_states_of_rules: Iterable[tuple[str, State]]) -> None:
        self._always: list[str] = []
        self._found: dict[tuple[str, str | None], list[str]] = {}
        for key, state in last_states_of_rules:
            action = state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME)
            intent = state.get(USER, {}).get(INTENT)
            if _is_asked_for(action) and (intent is None or _is_asked_for(intent)):
                self._found.setdefault((str(action), intent), []).append(key)
            else:
                self._always.append(key)

    def candidates(self, state: State) -> set[str]:
        """The rules whose last state does not contradict the action before and the intent of `state`."""
        action = state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME)
        intent = state.get(USER, {}).get(INTENT)
        found = {*self._always, *self._found.get((action, None), ())}
        if intent is not None:
            found.update(self._found.get((action, intent), ()))
        return found


def _is_asked_for(value: object) -> bool:
    return isinstance(value, str) and value not in ("", SHOULD_NOT_BE_SET)


class RulePolicy(rasa.core.policies.rule_policy.RulePolicy):
    """As Rasa's. The states that it looks at are as many as its longest rule has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._indexes: list[tuple[dict[str, str], _Index]] = []
        longest = 1
        for name in (RULES, RULES_FOR_LOOP_UNHAPPY_PATH):
            rules = self.lookup.get(name) or {}
            states = {key: self._rule_key_to_state(key) for key in rules}
            self._indexes.append((rules, _Index((key, of_rule[-1]) for key, of_rule in states.items())))
            longest = max([longest, *map(len, states.values())])
        #: How many states a prediction needs; None: all.
        self.depth: int | None = longest if self._sources_are_rules() else None

    def _sources_are_rules(self) -> bool:
        """Whether states without a rule cannot be among the sources of predictions that Rasa hides from stories.

        Then it does not matter that a prediction without a rule is named after its last states only.
        """
        rules, others = self.lookup.get(RULES) or {}, (DEFAULT_RULES, LOOP_RULES)
        return all(source in rules or source.startswith(others) for source in self.lookup.get(RULES_NOT_IN_STORIES, ()))

    @staticmethod
    def format_tracker_states(states: list[dict[str, Any]]) -> str:
        """Nothing: Rasa wants it for a line of its debugging log, which would hold words and is never shown."""
        return ""

    def _prediction_states(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        use_text_for_last_user_input: bool = False,
        rule_only_data: dict[str, Any] | None = None,
    ) -> list[State]:
        states = last_states(tracker, domain, self.depth) if self.depth else None
        if states is None:
            return super()._prediction_states(tracker, domain, use_text_for_last_user_input, rule_only_data)
        self.featurizer._choose_last_user_input([states], use_text_for_last_user_input)
        return states

    def _get_possible_keys(self, lookup: dict[str, str], states: list[State]) -> set[str]:
        index = next((index for rules, index in self._indexes if rules is lookup), None)
        if index is None or not states:
            return super()._get_possible_keys(lookup, states)
        possible = index.candidates(states[-1])
        for turn, state in enumerate(reversed(states)):
            possible = {key for key in possible if self._is_rule_applicable(key, turn, state)}
        return possible
