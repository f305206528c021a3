"""Who may what in the staff console."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody does here. Everybody who may sign in is a viewer."""

    viewer = "viewer"
    tester = "tester"
    editor = "editor"
    clinician = "clinician"
    admin = "admin"


#: What each role is for, as the console says it.
MEANING = {
    Role.viewer: "sees figures and conversations",
    Role.tester: "tries the bot, saves and runs tests",
    Role.editor: "mends answers: writes drafts, works on what went wrong",
    Role.clinician: "approves medical text, and is then named in the answer",
    Role.admin: "invites people and ends their access; may do all but approve medical text",
}


@dataclass(frozen=True)
class Account:
    """Somebody who is signed in, or is listed."""

    id: int
    login: str
    name: str
    roles: frozenset[Role]
    active: bool = True

    def may(self, *roles: Role) -> bool:
        """Whether one of `roles` is theirs. An admin has every role but the clinician's, which must be given."""
        if not self.active:
            return False
        if Role.admin in self.roles and set(roles) != {Role.clinician}:
            return True
        return bool(set(roles) & (self.roles | {Role.viewer}))
