"""Runs a model's graph straight through.

Rasa builds a Dask graph anew for every message and every prediction and hands it to Dask's scheduler. The order of
the nodes depends on what is asked for alone: here it is worked out once for each set of targets.

What is loaded can be exchanged as well: `INSTEAD` names components of Rasa's that have a faster equal here, so that
config.yml and trained models stay ordinary ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import rasa.core.policies.rule_policy
from rasa.core.policies.policy import Policy
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphNode, GraphNodeHook, GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.storage import ModelStorage

from bot.engine.rules import RulePolicy

#: Component of Rasa's -> what runs in its place.
INSTEAD: dict[type[GraphComponent], type[GraphComponent]] = {rasa.core.policies.rule_policy.RulePolicy: RulePolicy}


class DirectGraphRunner(DaskGraphRunner):
    """Rasa's runner without Dask: the same nodes, the same results, the same errors."""

    def __init__(
        self,
        graph_schema: GraphSchema,
        model_storage: ModelStorage,
        execution_context: ExecutionContext,
        hooks: list[GraphNodeHook] | None = None,
    ) -> None:
        nodes = {
            name: dataclasses.replace(node, uses=INSTEAD.get(node.uses, node.uses))
            for name, node in graph_schema.nodes.items()
        }
        super().__init__(GraphSchema(nodes), model_storage, execution_context, hooks)
        self._orders: dict[tuple[str, ...], list[tuple[str, GraphNode, tuple[str, ...]]]] = {}

    @property
    def states(self) -> int | None:
        """How many of a conversation's last states the policies look at; None where one may look at all."""
        components = [node._component for node in self._instantiated_nodes.values()]
        policies = [component for component in components if isinstance(component, Policy)]
        depths = [policy.depth if isinstance(policy, RulePolicy) else None for policy in policies]
        return None if None in depths else max((depth for depth in depths if depth), default=1)

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """The outputs of `targets`, all targets of the graph when None, by name.

        Args:
            inputs: values that nodes ask for by these names.

        Raises:
            GraphRunError: an input has the name of a node as its value, or nodes wait for each other.
            GraphComponentException: a component failed; RasaException: a component refused.
        """
        wanted = tuple(targets or self._graph_schema.target_names)
        order = self._order(wanted)
        done: dict[str, Any] = {}
        for name, value in (inputs or {}).items():
            if isinstance(value, str) and any(value == node for node, *_ in order):
                raise GraphRunError(f"The input value '{value}' is the name of a node.")
            done[name] = (name, value)
        try:
            for name, node, needs in order:
                if name not in done:
                    # A node says itself what it lacks, in Rasa's words: it is given the bare name then.
                    done[name] = node(*(done.get(need, need) for need in needs))
        except RuntimeError as error:
            raise GraphRunError("Error running runner.") from error
        return dict(done[name] for name in wanted)

    def _order(self, wanted: tuple[str, ...]) -> Sequence[tuple[str, GraphNode, tuple[str, ...]]]:
        known = self._orders.get(wanted)
        if known is not None:
            return known
        schema = self._graph_schema.minimal_graph_schema(list(wanted))
        needs = {name: tuple(node.needs.values()) for name, node in schema.nodes.items()}
        try:
            names = [name for name in TopologicalSorter(needs).static_order() if name in needs]
        except CycleError as error:
            raise GraphRunError("Error running runner.") from error
        order = [(name, self._instantiated_nodes[name], needs[name]) for name in names]
        self._orders[wanted] = order
        return order
