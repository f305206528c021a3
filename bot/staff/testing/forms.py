"""Forms that pages about tests share."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import ValidationError

from bot.dialogues.saved import STAFF_FILE, usable_file
from bot.staff.forms import StaffForm, at_most, required


class FileForm(StaffForm):
    """In which file of `tests/dialogues/` a test belongs."""

    file = StringField("File", default=STAFF_FILE, validators=[required("Please name a file."), at_most(60)])

    def validate_file(self, field: StringField) -> None:
        """The name of a file as the project has them."""
        if not usable_file(field.data or ""):
            raise ValidationError("Small letters, digits, - and _, beginning with a letter.")
