"""Drugs and classes with their other names, between `data/lexicon/` and the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.articles.source_files import DrugEntry
from bot.database.models import ClassInClass, Drug, DrugClass, DrugInClass, OtherName


def write_lexicon(session: Session, entries: Sequence[DrugEntry]) -> bool:
    """Make the database hold exactly `entries`; True when it did not before."""
    if _ordered(entries) == _ordered(read_lexicon(session)):
        return False
    for table in (OtherName, DrugInClass, ClassInClass, Drug, DrugClass):
        session.execute(sa.delete(table))
    classes = [entry for entry in entries if entry.is_class]
    drugs = [entry for entry in entries if not entry.is_class]
    _insert(session, DrugClass, ({"name": e.name} for e in classes))
    _insert(session, Drug, ({"name": e.name} for e in drugs))
    _insert(
        session,
        ClassInClass,
        ({"drug_class": e.name, "position": i, "parent": name} for e in classes for i, name in enumerate(e.within)),
    )
    _insert(
        session,
        DrugInClass,
        ({"drug": e.name, "position": i, "drug_class": name} for e in drugs for i, name in enumerate(e.within)),
    )
    owner = {True: "drug_class", False: "drug"}
    _insert(
        session,
        OtherName,
        (
            {"name": name, "kind": kind, owner[e.is_class]: e.name, owner[not e.is_class]: None}
            for e in entries
            for kind, name in e.names
        ),
    )
    return True


def _ordered(entries: Iterable[DrugEntry]) -> list[DrugEntry]:
    return sorted(entries, key=lambda entry: (entry.is_class, entry.name))


def _insert(session: Session, table: type, rows: Iterable[dict[str, object]]) -> None:
    listed = list(rows)
    if listed:
        session.execute(sa.insert(table), listed)


def read_lexicon(session: Session) -> tuple[DrugEntry, ...]:
    """The drugs and classes in the database, as the files gave them."""
    within: dict[tuple[bool, str], list[str]] = {}
    names: dict[tuple[bool, str], list[tuple[str, str]]] = {}
    parents = sa.select(ClassInClass.drug_class, ClassInClass.parent).order_by(ClassInClass.position)
    for child, parent in session.execute(parents):
        within.setdefault((True, child), []).append(parent)
    groups = sa.select(DrugInClass.drug, DrugInClass.drug_class).order_by(DrugInClass.position)
    for member, group in session.execute(groups):
        within.setdefault((False, member), []).append(group)
    others = sa.select(OtherName.name, OtherName.kind, OtherName.drug, OtherName.drug_class).order_by(OtherName.id)
    for name, kind, drug, of_class in session.execute(others):
        names.setdefault((drug is None, drug or of_class or ""), []).append((kind, name))
    found = [(True, name) for name in session.scalars(sa.select(DrugClass.name))]
    found += [(False, name) for name in session.scalars(sa.select(Drug.name))]
    return tuple(
        DrugEntry(name, is_class, tuple(within.get((is_class, name), ())), tuple(names.get((is_class, name), ())))
        for is_class, name in found
    )


def class_closure(entries: Iterable[DrugEntry]) -> dict[str, tuple[str, ...]]:
    """Every class that each drug or class belongs to, the nearest first."""
    direct = {entry.name: entry.within for entry in entries if entry.is_class}
    closed = {}
    for entry in entries:
        ordered: dict[str, None] = {}
        waiting = deque(entry.within)
        while waiting:
            name = waiting.popleft()
            if name not in ordered:
                ordered[name] = None
                waiting.extend(direct.get(name, ()))
        closed[entry.name] = tuple(ordered)
    return closed
