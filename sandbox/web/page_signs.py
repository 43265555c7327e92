"""Signs on a parsed page, evidence of a run: its text, controls that lead on, messages, fields, outline.

The rules are those of `sandbox.inside.evidence` and `sandbox.inside.outline`, which a browser applies; tests hold both
against each other. One walk collects all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from sandbox.paging import NEXT_ARROW, NEXT_LABEL, stated_totals
from sandbox.web.inner_text import inner_text
from sandbox.web.labels import referred
from sandbox.web.map_texts import plain
from sandbox.web.page_styles import PageStyles
from sandbox.web.trees import Attributes, Node, Tree, attribute, elements_in, lineage, tag_of, text_of

MOST_TEXT = 3_000
"""Characters of a page's text that are evidence."""
_COUNTED = 20_000  # characters in which totals are looked for
_MOST_URL, _MOST_TITLE = 1 << 16, 1_000
_MOST_ELEMENTS = 20_000
_DEEPEST = 250
_MOST_WALKED = 300  # elements at each end of a long list; what leads on stands before or after it
_MOST_LANDMARKS, _MOST_GROUPS, _MOST_ALERTS = 20, 12, 3
_MORE, _ARROW = re.compile(NEXT_LABEL, re.I), re.compile(NEXT_ARROW)
_MORE_OF_SOMETHING = re.compile(r"(?:load|show|view|see) more ", re.I)
_NEXT_REL = re.compile(r"(?:^|\s)next(?:\s|$)", re.I)
_DISABLED = re.compile(r"(?:^|[\s_-])disabled(?:$|[\s_-])", re.I)
_NUMBER = re.compile(r"\d{1,4}")
_BESIDE = frozenset({"nav", "header", "footer", "aside", "dialog", "select", "svg"})
_BESIDE_ROLES = frozenset({"navigation", "dialog"})
_LANDMARKS = {"main": "main", "nav": "navigation", "table": "table", "form": "form", "h1": "h1"}
_LANDMARK_ROLES = frozenset({"main", "navigation", "table"})
_NO_GROUP = frozenset({"br", "option", "td", "th", "script", "style"})
_TELLING_CLASSES = frozenset(
    {"error", "errors", "error-message", "errorlist", "field-error", "invalid-feedback", "alert-danger", "alert-error"}
)
_CHALLENGE = re.compile(
    r"recaptcha/(api2|enterprise)/(bframe|anchor(?!.*size=invisible))|hcaptcha\.com|challenges\.cloudflare\.com"
    r"|captcha-delivery\.com|arkoselabs\.com|geetest\.com"
)
_CHALLENGE_CLASSES = frozenset({"g-recaptcha", "h-captcha", "cf-turnstile"})  # where a script puts such a frame
_CODE = re.compile(r"otp|mfa|2fa|one-?time|passcode|two-?factor|(?:verification|auth|login|security)[-_]?code", re.I)
_PAGER = re.compile("pag", re.I)


class _Shown(NamedTuple):
    """A visible element, and its attributes."""

    node: Node
    name: str
    known: Attributes
    order: int


class _Signs:
    """The visible elements of a page that may be signs of something."""

    def __init__(self, tree: Tree) -> None:
        self.controls: list[_Shown] = []
        self.fields: list[_Shown] = []
        self.landmarks: list[_Shown] = []
        self.telling: list[_Shown] = []
        self.refused: list[_Shown] = []
        self.challenge = False
        self.groups: list[tuple[str, int, int]] = []
        self.longest = 0, -1  # the number of its elements, and where it stands
        self._styles = PageStyles.of(tree)
        self._left = _MOST_ELEMENTS
        main = tree.root.css_first("main, [role=main]") or tree.root.css_first("body")
        self._main = 0 if main is None else main.mem_id

    def hides(self, node: Node) -> bool:
        """Return True for an element that is hidden by itself."""
        return self._styles.hides(node, tag_of(node), node.attributes)

    def walk(self, node: Node, *, depth: int = 0, counts: bool = False) -> None:
        """Walk a visible element.

        Args:
            node: The element.
            depth: The number of elements around it.
            counts: It is in the main part of the page, and not beside what that is about.
        """
        name, known = tag_of(node), node.attributes
        self._left -= 1
        order = _MOST_ELEMENTS - self._left
        role = (known.get("role") or "") if known else ""
        counts = (counts or node.mem_id == self._main) and not (name in _BESIDE or role in _BESIDE_ROLES)
        self._collect(_Shown(node, name, known, order), role)
        tally: dict[str, int] = {}
        seen: dict[str, int] = {}
        folded = name == "details" and "open" not in known
        inner = list(elements_in(node))
        for at, each in enumerate(inner):
            tag = tag_of(each)
            tally[tag] = tally.get(tag, 0) + 1
            if (folded and tag != "summary") or self._styles.hides(each, tag, each.attributes):
                continue
            seen[tag] = seen.get(tag, 0) + 1
            of_many = _MOST_WALKED <= at < len(inner) - _MOST_WALKED
            if depth < _DEEPEST and self._left > 0 and not of_many:
                self.walk(each, depth=depth + 1, counts=counts)
        if counts:
            self._count(name, order, tally, seen)

    def _count(self, name: str, order: int, tally: dict[str, int], seen: dict[str, int]) -> None:
        if len(tally) == 1 and (size := next(iter(tally.values()))) > max(2, self.longest[0]):
            self.longest = size, order
        for tag, number in seen.items():
            if number > 1 and tag not in _NO_GROUP:
                self.groups.append((f"{tag} in {name}", number, order))

    def _collect(self, shown: _Shown, role: str) -> None:
        name, known = shown.name, shown.known
        if name in ("a", "button") or role in ("button", "link"):
            self.controls.append(shown)
        elif name == "input":
            self.fields.append(shown)
            if (known.get("type") or "").lower() in ("button", "submit"):
                self.controls.append(shown)
        if name in _LANDMARKS or role in _LANDMARK_ROLES:
            self.landmarks.append(shown)
        if not known:
            return
        classes = (known.get("class") or "").split()
        if role == "alert" or known.get("aria-live") == "assertive" or not _TELLING_CLASSES.isdisjoint(classes):
            self.telling.append(shown)
        if known.get("aria-invalid") == "true":
            self.refused.append(shown)
        by_script = not _CHALLENGE_CLASSES.isdisjoint(classes) and known.get("data-size") != "invisible"
        if by_script or (name == "iframe" and _CHALLENGE.search(known.get("src") or "")):
            self.challenge = True


def read_page(tree: Tree, url: str) -> dict[str, Any]:
    """Return what a page shows, in the form that `sandbox.workers.parse.evidence` takes.

    Args:
        tree: The page.
        url: Its address.
    """
    signs = _Signs(tree)
    body = tree.root.css_first("body")
    if body is not None:
        signs.walk(body)
    text = inner_text(body, hides=signs.hides, most=_COUNTED) if body is not None else ""
    fields = [each for each in signs.fields if (each.known.get("type") or "").lower() == "password"]
    groups = sorted(signs.groups, key=lambda group: (-group[1], group[2]))
    return {
        "url": url[:_MOST_URL],
        "title": tree.title[:_MOST_TITLE],
        "text": text[:MOST_TEXT],
        "counts": [list(each) for each in stated_totals(text)],
        "next_controls": list(_next_controls(signs))[:10],
        "next_pages": list(_next_pages(signs.controls))[:5],
        "password_field": bool(fields),
        "password_filled": any(each.known.get("value") for each in fields),
        "code_field": any(map(_takes_code, signs.fields)),
        "challenge": signs.challenge,
        "alerts": list(_alerts(tree, signs)),
        "landmarks": list(_landmarks(signs.landmarks)),
        "groups": [[name, number] for name, number, _ in groups[:_MOST_GROUPS]],
    }


def shown_message(tree: Tree, node: Node) -> str | None:
    """Return what an element says that shows that there is nothing; None where it is hidden, empty or long."""
    if tag_of(node) in ("html", "body") or not PageStyles.of(tree).shows(node):
        return None
    said = inner_text(node).strip() or attribute(node, "alt") or attribute(node, "aria-label") or ""
    return said if 0 < len(said) <= 300 else None


def _next_controls(signs: _Signs) -> Iterator[str]:
    """Yield the names of the controls by which a list certainly goes on."""
    for node, tag, known, order in signs.controls:
        text = text_of(node)
        if len(text) > 200:
            continue
        words, label, title = plain(text), plain(known.get("aria-label") or ""), plain(known.get("title") or "")
        value = plain(known.get("value") or "") if tag in ("input", "button") else ""
        leads = _NEXT_REL.search(known.get("rel") or "") is not None
        says = any(map(_MORE.search, (label, words, value, "" if words else title)))
        if not (leads or says or _ARROW.search(words)):
            continue
        if _is_off(node, known) or (tag == "a" and "href" not in known and "role" not in known):
            continue
        name = label or words or value or title
        if not leads and order < signs.longest[1] and _MORE_OF_SOMETHING.match(name):
            continue  # what stands above the list offers more of something else
        yield (name or "rel=next")[:80]


def _next_pages(controls: list[_Shown]) -> Iterator[str]:
    """Yield the number after that of the page which is shown, of each pager."""
    for node, tag, known, _ in controls:
        words = plain(text_of(node)) if tag in ("a", "button") else ""
        if not _NUMBER.fullmatch(words) or _is_off(node, known):
            continue
        target = (known.get("href") or "") + (known.get("onclick") or "")
        if "page" not in target.lower() and not any(map(_is_pager, lineage(node))):
            continue
        before, above = _element_before(node), node.parent
        if before is None and above is not None and len(list(elements_in(above))) == 1:
            before = _element_before(above)
        if before is None or plain(text_of(before)) != str(int(words) - 1):
            continue
        inner = [before, *before.traverse()]
        if not any(map(_leads, inner)) or any(map(_is_current, inner)):
            yield words


def _is_pager(node: Node) -> bool:
    known = node.attributes
    return tag_of(node) == "nav" or any(_PAGER.search(known.get(name) or "") for name in ("class", "id", "aria-label"))


def _leads(node: Node) -> bool:
    name = tag_of(node)
    return name == "button" or (name == "a" and "href" in node.attributes)


def _is_current(node: Node) -> bool:
    known = node.attributes
    return "aria-current" in known or not {"active", "current", "selected"}.isdisjoint(
        (known.get("class") or "").split()
    )


def _element_before(node: Node) -> Node | None:
    before = node.prev
    while before is not None and not before.is_element_node:
        before = before.prev
    return before


def _is_off(node: Node, known: Attributes) -> bool:
    above = node.parent
    around = (attribute(above, "class") or "") if above is not None else ""
    classes = f"{known.get('class') or ''} {around}"
    if "disabled" in known or _DISABLED.search(classes):
        return True
    for each in lineage(node):
        its = each.attributes
        if its and (its.get("aria-disabled") == "true" or "inert" in its):
            return True
        if its and tag_of(each) == "fieldset" and "disabled" in its:
            return True
    return False


def _takes_code(field: _Shown) -> bool:
    known = field.known
    name, number = known.get("name") or "", known.get("id") or ""
    return (
        "one-time-code" in (known.get("autocomplete") or "")
        or name == "code"
        or _CODE.search(f"{name} {number}") is not None
    )


def _alerts(tree: Tree, signs: _Signs) -> list[str]:
    found: dict[str, None] = {}
    around = {each.mem_id for shown in signs.telling for each in lineage(shown.node.parent)}
    said = [shown.node for shown in signs.telling if shown.node.mem_id not in around]
    for shown in signs.refused:
        for name in ("aria-errormessage", "aria-describedby"):
            said += referred(tree, shown.known.get(name))
    for node in said:
        text = plain(inner_text(node, hides=signs.hides))
        if text and len(text) <= 200 and len(found) < _MOST_ALERTS and PageStyles.of(tree).shows(node):
            found[text] = None
    return list(found)


def _landmarks(shown: list[_Shown]) -> list[str]:
    found: dict[str, None] = {}
    for node, tag, known, _ in shown:
        if len(found) >= _MOST_LANDMARKS:
            break
        role = known.get("role") or _LANDMARKS.get(tag, "")
        heads = ", ".join(text_of(head) for head in node.css("thead th")) if tag == "table" else ""
        name = plain(known.get("aria-label") or "")[:80] or plain(heads)[:80]
        found[f"{role}: {name}" if name else role] = None
    return list(found)
