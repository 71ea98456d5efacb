"""Caps: how many nodes may come and go in one tick."""

from dataclasses import replace

from scheduler.domain.actions import Action, Drain, Grow, Held, Release, Vacate
from scheduler.domain.names import ActionKey, NodeName
from scheduler.domain.settings import GuardSettings

Cut = tuple[Action | None, Held | None]
"""The part of an action that may be done now, and the part that is held."""


class Caps:
    """The running count of one tick's nodes; what goes beyond a cap waits for the next tick."""

    def __init__(self, settings: GuardSettings) -> None:
        self._settings = settings
        self._added = self._drained = self._released = 0

    def cut(self, action: Action) -> Cut:
        """Cut the action to what the caps leave, and count that."""
        match action:
            case Grow():
                return self._grow(action)
            case Vacate():
                return self._vacate(action)
            case Drain():
                cut = self._take(action, self._drained)
                self._drained += len(cut[0].nodes) if isinstance(cut[0], Drain) else 0
                return cut
            case Release():
                cut = self._take(action, self._released)
                self._released += len(cut[0].nodes) if isinstance(cut[0], Release) else 0
                return cut
            case _:
                return action, None

    def _grow(self, action: Grow) -> Cut:
        most = self._settings.max_nodes_added_per_tick
        nodes = min(action.nodes, action.before + max(0, most - self._added))
        self._added += nodes - action.before
        if nodes == action.nodes:
            return action, None
        why = (
            f"Only {nodes - action.before} of {action.nodes - action.before} nodes now: "
            f"one tick may add {most} (maxNodesAddedPerTick)."
        )
        if nodes == action.before:
            return None, Held(action=action, why=why)
        part = replace(action, nodes=nodes, key=ActionKey(f"grow/{action.pool}/{nodes}"))
        return part, Held(action=action, why=why)

    def _vacate(self, action: Vacate) -> Cut:
        """All or none: half of the room seats no gang. Counted with what is drained for good."""
        most, back = (
            self._settings.max_nodes_released_per_tick,
            self._settings.max_nodes_added_per_tick,
        )
        now, wanted = max(0, most - self._drained), len(action.nodes)
        if wanted > now:
            why = (
                f"Only {now} of {wanted} nodes could be emptied now, and none helps alone: "
                f"one tick may take {most} away (maxNodesReleasedPerTick)."
            )
            return None, Held(action=action, why=why)
        if wanted > back:
            why = (
                f"Only {back} of {wanted} emptied nodes could come back at once: "
                f"one tick may add {back} (maxNodesAddedPerTick)."
            )
            return None, Held(action=action, why=why)
        self._drained += wanted
        return action, None

    def _take(self, action: Drain | Release, done: int) -> Cut:
        most = self._settings.max_nodes_released_per_tick
        now = max(0, most - done)
        if now >= len(action.nodes):
            return action, None
        why = (
            f"Only {now} of {len(action.nodes)} nodes now: "
            f"one tick may take {most} away (maxNodesReleasedPerTick)."
        )
        part = _with_nodes(action, action.nodes[:now]) if now else None
        return part, Held(action=_with_nodes(action, action.nodes[now:]), why=why)


def _with_nodes(action: Drain | Release, nodes: tuple[NodeName, ...]) -> Drain | Release:
    verb = "drain" if isinstance(action, Drain) else "release"
    return replace(action, nodes=nodes, key=ActionKey(f"{verb}/{action.pool}/{','.join(nodes)}"))
