"""The fields of a form, and the values that they would send."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import file_names
from sandbox.web.addresses import as_text
from sandbox.web.errors import NotOnPage, WebError
from sandbox.web.labels import labels_of
from sandbox.web.names import name_of, selected, value_of
from sandbox.web.roles import input_type, is_disabled
from sandbox.web.tables import said
from sandbox.web.texts import matches
from sandbox.web.trees import Node, Tree, attribute, elements_in, lineage, squashed

CONTROLS = "button,input,select,textarea"
_SENDING = ("submit", "image")
_BUTTONS = ("submit", "image", "button", "reset")
_IN_TABLES = frozenset({"table", "tbody", "thead", "tfoot", "tr"})
_MOST_SHOWN = 40
_MOST_OPTIONS = 30


@dataclass(frozen=True)
class File:
    """A file that a form sends; without a name, none was chosen."""

    name: str
    content_type: str
    content: bytes


Value = str | File
Pairs = list[tuple[str, Value]]


class Fields:
    """The controls of one form.

    Args:
        tree: The page.
        form: The form.
    """

    def __init__(self, tree: Tree, form: Node) -> None:
        self._tree = tree
        self._form = form
        self.controls = tree.once("owned", _owned).get(form.mem_id, [])

    @property
    def buttons(self) -> list[Node]:
        """The buttons that send the form."""
        return [node for node in self.controls if _kind(node) in _SENDING and not is_disabled(node)]

    @property
    def fields(self) -> list[Node]:
        """The controls that hold values: all but the buttons."""
        return [node for node in self.controls if _kind(node) not in _BUTTONS]

    def label(self, node: Node) -> str:
        """Return the name by which a person knows a field, else its own."""
        return squashed(name_of(self._tree, node)) or attribute(node, "name") or attribute(node, "id") or ""

    def names(self) -> list[str]:
        """Return what the fields are called, those that are not shown left out, each once."""
        shown = [node for node in self.fields if _kind(node) != "hidden"]
        found = []
        for node in shown:
            group = self._legend(node) if _kind(node) in ("radio", "checkbox") else ""
            found.append(f"{self.label(node)} (of {group})" if group else self.label(node))
        return list(dict.fromkeys(each for each in found if each))

    def values(self) -> dict[str, Any]:
        """Return what the form holds as the page came, by the fields' names for a person."""
        found: dict[str, Any] = {}
        for node in self.fields:
            kind, label = _kind(node), self.label(node)
            if kind == "hidden" or not label or label in found:
                continue
            if kind in ("checkbox", "radio"):
                found[label] = "checked" in node.attrs
            elif kind == "select":
                chosen = [said(each) for each in selected(node)]
                found[label] = chosen if "multiple" in node.attrs else "".join(chosen[:1])
            else:
                found[label] = "" if kind == "file" else value_of(node)
        return found

    def button(self, name: str | None) -> Node | None:
        """Return the button of a name; without one, the first, as the Enter key presses it."""
        buttons = self.buttons
        if name is None:
            return buttons[0] if buttons else None
        named = [(node, name_of(self._tree, node)) for node in buttons]
        for exact in (True, False):
            hits = [node for node, label in named if matches(label, name, exact=exact)]
            if len(hits) == 1 or (hits and exact):
                return hits[0]
        hits = [node for node in buttons if name in (attribute(node, "name"), attribute(node, "value"))]
        if len(hits) == 1:
            return hits[0]
        there = ", ".join(repr(label) for _, label in named) or "none"
        raise NotOnPage(
            f"no button {name!r} sends this form of {self._tree.url}; its buttons: {there}",
            reason="missing",
            url=self._tree.url,
        )

    def data(self, values: Mapping[str, Any], pressed: Node | None, extra: Mapping[str, Any]) -> Pairs:
        """Return the names and values that a form sends.

        Args:
            values: What is filled in, by label, name or id.
            pressed: The button.
            extra: Names and values that the page's script would add; they replace those of the page.

        Raises:
            NotOnPage: A field or an option does not exist.
            WebError: A field that must be filled is empty.
        """
        given = self._given(values)
        found: Pairs = []
        for node in self.controls:
            name, kind = attribute(node, "name") or "", _kind(node)
            if is_disabled(node) or any(each.tag == "datalist" for each in lineage(node)):
                continue
            if kind in _BUTTONS:
                if pressed is not None and node == pressed:
                    found += _pressed(node, name, kind)
                continue
            value = given[node.mem_id] if node.mem_id in given else _held(node, kind)
            if name not in extra:
                self._check_filled(node, kind, value)
                found += [(name, each) for each in value] if name else []
        return found + [(name, each) for name, value in extra.items() for each in _values_of(value)]

    def _given(self, values: Mapping[str, Any]) -> dict[int, list[Value]]:
        given: dict[int, list[Value]] = {}
        for key, value in values.items():
            if value is None:
                continue
            for node, held in self._fill(str(key), value):
                given[node.mem_id] = held
        return given

    def _fill(self, key: str, value: Any) -> list[tuple[Node, list[Value]]]:
        hits = self._named(key)
        kinds = {_kind(node) for node in hits}
        if kinds == {"radio"} or (kinds == {"checkbox"} and (len(hits) > 1 or not isinstance(value, bool))):
            return self._choose(key, hits, value)
        if len(hits) != 1:
            raise self._no_field(key, hits)
        node = hits[0]
        if is_disabled(node):
            message = f"the field {key!r} is disabled in the page: a script enables it; give it as extra="
            raise NotOnPage(f'{message}{{"{attribute(node, "name") or ""}": …}}', reason="missing", url=self._tree.url)
        return [(node, self._entered(key, node, value))]

    def _entered(self, key: str, node: Node, value: Any) -> list[Value]:
        kind = _kind(node)
        if kind == "checkbox":
            return [attribute(node, "value") or "on"] if value else []
        if kind == "select":
            return self._options(key, node, value)
        if kind == "file":
            files = value if isinstance(value, list) else [value]
            return [_file(each) for each in files]
        if isinstance(value, (list, tuple, dict, bytes)):
            raise WebError(
                f"the field {key!r} takes one text, not a {type(value).__name__}", reason="use", url=self._tree.url
            )
        return [as_text(value)]

    def _choose(self, key: str, hits: list[Node], value: Any) -> list[tuple[Node, list[Value]]]:
        """Choose among radio buttons or checkboxes."""
        group = hits
        if _kind(hits[0]) == "radio":
            name = attribute(hits[0], "name")
            group = [
                node for node in self.fields if _kind(node) == "radio" and name and attribute(node, "name") == name
            ]
            group = group or hits
            if len(hits) == 1 and isinstance(value, bool):
                chosen = hits if value else []
                return [(node, [attribute(node, "value") or "on"] if node in chosen else []) for node in group]
        wanted = value if isinstance(value, (list, tuple, set)) else [] if value is False else [value]
        found = [self._choice(key, group, each) for each in wanted]
        return [(node, [attribute(node, "value") or "on"] if node in found else []) for node in group]

    def _choice(self, key: str, group: list[Node], value: Any) -> Node:
        text = as_text(value)
        for hits in (
            [node for node in group if attribute(node, "value") == text],
            [node for node in group if matches(self.label(node), text, exact=True)],
            [node for node in group if matches(self.label(node), text)],
        ):
            if len(hits) == 1:
                return hits[0]
        there = ", ".join(repr(self.label(node) or attribute(node, "value") or "") for node in group[:_MOST_OPTIONS])
        message = f"{key!r} has no choice {text!r}; it has: {there}"
        raise NotOnPage(message, reason="missing", url=self._tree.url)

    def _options(self, key: str, node: Node, value: Any) -> list[Value]:
        options = node.css("option")
        wanted = value if isinstance(value, (list, tuple, set)) else [value]
        found: list[Value] = []
        for each in wanted:
            text = as_text(each)
            hit = next(
                (o for o in options if squashed(option_label(o)) == squashed(text)),
                next((o for o in options if option_value(o) == text), None),
            )
            if hit is None:
                there = ", ".join(repr(option_label(option)) for option in options[:_MOST_OPTIONS])
                more = f" and {len(options) - _MOST_OPTIONS} more" if len(options) > _MOST_OPTIONS else ""
                message = f"{key!r} has no option {text!r}; it has: {there}{more}"
                raise NotOnPage(message, reason="missing", url=self._tree.url)
            found.append(option_value(hit))
        return found

    def _named(self, key: str) -> list[Node]:
        """Return the fields that a key means: by name, id, label, the legend of a group, placeholder."""
        fields, wanted = self.fields, squashed(key)
        for names in (
            lambda node: [attribute(node, "name"), attribute(node, "id")],
            lambda node: [name for name in self._said(node) if squashed(name) == wanted],
            lambda node: [self._legend(node)] if _kind(node) in ("radio", "checkbox") else [],
        ):
            hits = [
                node
                for node in fields
                if any(name and (name == key or squashed(name) == wanted) for name in names(node))
            ]
            if hits:
                return hits
        shown = [node for node in fields if _kind(node) != "hidden"]
        return [node for node in shown if wanted and any(matches(name, wanted) for name in self._said(node))]

    def _said(self, node: Node) -> list[str]:
        labels = [said(label) for label in labels_of(self._tree, node)]
        return [*labels, name_of(self._tree, node), attribute(node, "placeholder") or ""]

    def _legend(self, node: Node) -> str:
        group = next((each for each in lineage(node) if each.tag == "fieldset"), None)
        legend = (
            next((each for each in elements_in(group) if each.tag == "legend"), None) if group is not None else None
        )
        return said(legend) if legend is not None else ""

    def _no_field(self, key: str, hits: list[Node]) -> NotOnPage:
        where = f"this form of {self._tree.url}"
        if hits:
            there = ", ".join(f"{self.label(node)!r} (name {attribute(node, 'name')!r})" for node in hits[:8])
            message = f"{len(hits)} fields are called {key!r} in {where}: take the name of one: {there}"
            return NotOnPage(message, reason="ambiguous", url=self._tree.url)
        names = self.names()
        shown = ", ".join(map(repr, names[:_MOST_SHOWN])) + (", …" if len(names) > _MOST_SHOWN else "")
        hidden = [name for node in self.fields if _kind(node) == "hidden" and (name := attribute(node, "name"))]
        also = f"; hidden: {', '.join(map(repr, hidden[:_MOST_SHOWN]))}" if hidden else ""
        return NotOnPage(
            f"{where} has no field {key!r}; it has: {shown or 'none'}{also}", reason="missing", url=self._tree.url
        )

    def _check_filled(self, node: Node, kind: str, value: list[Value]) -> None:
        """Refuse what a browser would not send: an empty field that is required."""
        if "required" not in node.attrs or "novalidate" in self._form.attrs or kind == "hidden":
            return
        if kind == "radio":
            return  # another of its group may be chosen; sites refuse what lacks it
        if not any(each if isinstance(each, str) else each.name for each in value):
            message = f"the field {self.label(node)!r} of the form in {self._tree.url} is required and empty"
            raise WebError(message, reason="missing", url=self._tree.url)


def option_label(option: Node) -> str:
    """Return what a select shows for an option."""
    return attribute(option, "label") or said(option)


def option_value(option: Node) -> str:
    """Return what a select sends for an option."""
    value = attribute(option, "value")
    return squashed(option.text(deep=True)) if value is None else value


def _kind(node: Node) -> str:
    """Return the type of a control: that of an input or button, else its tag."""
    if node.tag == "input":
        return input_type(node)
    if node.tag == "button":
        kind = (attribute(node, "type") or "submit").lower()
        return kind if kind in _BUTTONS else "submit"
    return node.tag or ""


def _owned(tree: Tree) -> dict[int, list[Node]]:
    """Return the controls of each form, by the form, also those that only its parser or their attribute ties to it.

    Between the rows of a table a form cannot hold anything: it ends at once in the tree, and what follows in that table
    still belongs to it.
    """
    found: dict[int, list[Node]] = {}
    stray: Node | None = None
    table: Node | None = None
    for node in tree.root.css(f"form,{CONTROLS}"):
        owner = next((each for each in lineage(node.parent) if each.tag == "form"), None)
        if node.tag == "form":
            empty = node.parent is not None and node.parent.tag in _IN_TABLES and node.first_child is None
            stray = node if empty else None
            table = next((each for each in lineage(node) if each.tag == "table"), None) if empty else None
            continue
        named = attribute(node, "form")
        if named is not None:
            owner = tree.by_id(named)
        elif owner is None and stray is not None and any(each == table for each in lineage(node)):
            owner = stray
        if owner is not None:
            found.setdefault(owner.mem_id, []).append(node)
    return found


def _pressed(node: Node, name: str, kind: str) -> Pairs:
    if kind == "image":
        prefix = f"{name}." if name else ""
        return [(f"{prefix}x", "0"), (f"{prefix}y", "0")]
    return [(name, attribute(node, "value") or "")] if name else []


def _held(node: Node, kind: str) -> list[Value]:
    """Return what a field sends as the page came."""
    if kind in ("checkbox", "radio"):
        value = attribute(node, "value")
        return [("on" if value is None else value)] if "checked" in node.attrs else []
    if kind == "select":
        free = [option for option in selected(node) if "disabled" not in option.attrs]
        return [option_value(option) for option in free]
    if kind == "file":
        return [File("", file_names.DEFAULT_TYPE, b"")]
    value = value_of(node)
    return [value or "50"] if kind == "range" else [value or "#000000"] if kind == "color" else [value]


def _values_of(value: Any) -> Iterable[Value]:
    several = value if isinstance(value, (list, tuple)) else [value]
    return [each if isinstance(each, File) else as_text(each) for each in several if each is not None]


def _file(value: Any) -> File:
    """Return a file from a path, from an attachment, or from a name with its content."""
    if isinstance(value, File):
        return value
    if isinstance(value, Mapping) and "path" in value:  # an attachment
        value = Path(str(value["path"]))
    if isinstance(value, (tuple, list)) and len(value) in (2, 3) and isinstance(value[1], (bytes, str)):
        content = value[1].encode() if isinstance(value[1], str) else value[1]
        return File(str(value[0]), str(value[2]) if len(value) == 3 else file_names.type_of(str(value[0])), content)
    if isinstance(value, (str, os.PathLike)):
        path = Path(value)
        if not path.is_file():
            raise WebError(f"there is no file {path.name!r} to be sent", reason="use")
        return File(path.name, file_names.type_of(path.name), path.read_bytes())
    message = f'a file is a path, or a name with its content, ("a.txt", b"…"), not a {type(value).__name__}'
    raise WebError(message, reason="use")
