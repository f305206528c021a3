"""Forms of the console, on WTForms: what is typed is cleaned and checked, and said to be wrong beside its field.

    class NoteForm(StaffForm):
        text = TextAreaField("Note", validators=[required("Please write something."), at_most(2_000)])

    form = NoteForm(await console.form(request))
    if request.method == "POST" and form.validate(): ...

`{{ field(form.text) }}` of macros.html shows label, field and what is wrong with it. The token of the session is not
the form's business: `{{ token(csrf) }}` puts it in, and `bot.staff.door` has checked it before a handler runs.
"""

from __future__ import annotations

from typing import Any

from wtforms import Form, PasswordField
from wtforms.validators import InputRequired, Length


class StaffForm(Form):
    """Base of all forms: white space around what is typed does not count, but in passwords."""

    class Meta:
        """Called by WTForms for each field."""

        def bind_field(self, form: Form, unbound_field: Any, options: dict[str, Any]) -> Any:
            """The field, with a filter that strips what is typed."""
            filters = list(unbound_field.kwargs.get("filters", ()))
            if not issubclass(unbound_field.field_class, PasswordField):
                filters.append(_strip)
            return unbound_field.bind(form=form, filters=filters, **options)


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def required(sentence: str) -> InputRequired:
    """The field must be filled in; `sentence` says so."""
    return InputRequired(sentence)


def at_most(characters: int) -> Length:
    """The field may have at most so many characters."""
    return Length(max=characters, message=f"Please use at most {characters:,} characters.")
