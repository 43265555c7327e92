"""The contents of the form fields of a parsed page, for its map."""

from __future__ import annotations

from sandbox.web.labels import labels_of
from sandbox.web.map_labels import Labels, is_secret
from sandbox.web.map_texts import plain, short, start_of
from sandbox.web.map_units import Around, MapUnits
from sandbox.web.names import selected, value_of
from sandbox.web.roles import input_type
from sandbox.web.trees import Attributes, Node, Tree, tag_of, text_of

_BUTTONS = frozenset({"submit", "button", "reset", "image"})


def add_field(units: MapUnits, tree: Tree, labels: Labels, node: Node, known: Attributes, mine: Around) -> None:
    """Add what a form field holds; as text, too, for code that reads it from there.

    Args:
        units: The units to add to.
        tree: The page.
        labels: Its labels.
        node: The field.
        known: Its attributes.
        mine: What its place has from the elements around it.
    """
    tag = tag_of(node)
    label = mine.label = labels.of_field(node)
    mine.path += f">{tag}"
    if tag == "select":
        _add_options(units, node, label, mine)
        return
    kind = input_type(node) if tag == "input" else tag
    if kind == "file" or is_secret(node):
        return
    value = value_of(node)
    if kind in ("checkbox", "radio"):
        if "checked" in known:
            own = labels_of(tree, node)
            said = start_of(own[0], 120) if own else label
            units.note(kind, short(known.get("name") or "", 60) or label, said or value or "on")
        return
    if not value:
        return
    if kind == "hidden":
        mine.hidden = True
    elif kind not in _BUTTONS:
        units.note("input", label, value)
    units.push(mine, short(value, 200), "@value")


def _add_options(units: MapUnits, node: Node, label: str, mine: Around) -> None:
    options = node.css("option")
    for each in selected(node)[:10]:
        units.note("select", label, _shown(each))
    mine.path += ">option"
    keep = units.sample(len(options), 1)
    for at in range(len(options)) if keep is None else keep:
        if text := short(_shown(options[at]), 120):
            units.push(mine, text, "")
    units.cut += len(options) - len(keep) if keep is not None else 0


def _shown(option: Node) -> str:
    return option.attributes.get("label") or plain(text_of(option))
