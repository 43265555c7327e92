"""What good results of one automation look like: learnt from good runs, checked on every run, never by a model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.errors import BundleCorrupt

FORMAT = 1
CLEAN_RUNS_BEFORE_STATISTICS = 5
_FEWER_ROWS = 0.5  # of the fewest rows of a good run
_LESS_FILLED = 0.5  # of the smallest share of a good run
_REPEATED_ROWS = 0.1  # share of rows that are copies of others; a page read twice gives more
_ROWS_TO_JUDGE = 10  # fewer rows than these may differ by chance
_UNKNOWN = 1  # of contracts that were learnt before copies were counted
_PATTERN_KEPT = 0.1  # share of values that must still have the learnt pattern; fewer means another column


class PageEvidence(Protocol):
    """The part of a run's evidence that the contract reads."""

    @property
    def next_controls(self) -> tuple[str, ...]: ...
    @property
    def counts(self) -> tuple[tuple[str, int], ...]: ...
    @property
    def empty(self) -> tuple[tuple[str, bool], ...]: ...
    @property
    def password_field(self) -> bool: ...
    @property
    def password_filled(self) -> bool: ...


@dataclass(frozen=True)
class Breach:
    """One way in which a result is not what good results were.

    Args:
        kind: ``no-rows``, ``fewer-rows``, ``more-rows``, ``repeated-rows``, ``field-empty``, ``field-sparse``,
            ``pattern``, ``next-left``, ``count`` or ``progress``.
        path: JSON path into the output; ``$`` where the page is meant.
        expected: What good runs had.
        got: What this run had.
        structural: Whether it alarms from the first run on; the others do after five clean runs.
    """

    kind: str
    path: str
    expected: str
    got: str
    structural: bool = True

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, got {self.got}"

    def to_json(self) -> dict[str, Any]:
        """The breach as JSON-able data."""
        return {
            "kind": self.kind, "path": self.path, "expected": self.expected, "got": self.got,
            "structural": self.structural,
        }  # fmt: skip


@dataclass(frozen=True)
class Observed:
    """What one run gave: the output, the page's evidence at its end, and the last progress it reported."""

    output: Any
    evidence: PageEvidence
    progress: tuple[int, int | None] | None = None


def learn(runs: Sequence[Observed]) -> dict[str, Any]:
    """The contract that all the given good runs satisfy.

    Its ``output`` part must be satisfied unchanged by every repair; its ``page`` part is learnt anew at each promotion.
    """
    return {
        "format": FORMAT,
        "output": _merge_output([_describe(run.output) for run in runs]),
        "page": {
            "no_next_left": all(not run.evidence.next_controls for run in runs),
            "counts": sorted(set.intersection(*(_true_counts(run) for run in runs))),
            "progress_complete": all(_progress_complete(run) for run in runs),
            "login": any(run.evidence.password_field or run.evidence.password_filled for run in runs),
        },
    }


def widen(contract: Mapping[str, Any], run: Observed) -> dict[str, Any]:
    """The contract, made to admit this run's output too."""
    merged = _merge_output([contract.get("output", {}), _describe(run.output)])
    return {**contract, "output": merged}


def check(contract: Mapping[str, Any], run: Observed, *, clean_runs: int = 0) -> list[Breach]:
    """How a run's result departs from the contract; the structural departures first.

    Args:
        contract: As ``learn`` made it.
        run: What came back.
        clean_runs: Clean runs of this revision so far; statistical checks alarm only after five.
    """
    _check_form(contract)
    breaches = list(_check_page(contract.get("page", {}), run))
    described = _describe(run.output)
    for path, learnt in contract.get("output", {}).items():
        breaches += _check_rows(path, learnt, described.get(path), bool(_empty_confirmed(run)))
        breaches += _check_repeated(path, learnt, described.get(path))
    if clean_runs < CLEAN_RUNS_BEFORE_STATISTICS:
        breaches = [b for b in breaches if b.structural]
    return sorted(breaches, key=lambda b: not b.structural)


def _check_form(contract: Mapping[str, Any]) -> None:
    """A contract that was edited, or that another version wrote, must not be read as if it asked for nothing."""
    try:
        if contract.get("format", FORMAT) != FORMAT:
            raise ValueError(f"format {contract['format']!r} is not {FORMAT}")
        for learnt in contract.get("output", {}).values():
            (fewest, most), array, fields = learnt["rows"], learnt["array"], learnt["fields"]
            copies = learnt.get("repeated", _UNKNOWN)
            shares = [field["filled"] for field in fields.values()]
            shares += [share for field in fields.values() for share in field["patterns"].values()]
            if not isinstance(array, bool) or not all(
                isinstance(n, (int, float)) for n in (fewest, most, copies, *shares)
            ):
                raise ValueError("a number or a truth value is none")
        contract.get("page", {}).get("counts")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleCorrupt(
            f"contract.json has not the form that this engine wrote ({type(error).__name__}: {error}); roll back",
            file="contract.json",
        ) from error


def rows(output: Any) -> int | None:
    """Number of rows of the output's largest array, or None where it has none."""
    sizes = [d["rows"][1] for path, d in _describe(output).items() if d["array"] and "[*]" not in path]
    return max(sizes, default=None)


def repeated(values: Sequence[Any]) -> int:
    """How many of the rows are copies of another.

    >>> repeated([{"a": 1}, {"a": 2}, {"a": 1}])
    1
    """
    return len(values) - len({json.dumps(value, sort_keys=True, default=str) for value in values})


# What an output looks like: for each array of it, and for its objects, how many rows and which fields.


def _describe(output: Any) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    arrays: dict[str, list[int]] = {}
    _collect(output, "$", found, arrays)
    return {
        path: {
            "array": path in arrays,
            "rows": [min(arrays[path]), max(arrays[path])] if path in arrays else [1, 1],
            "repeated": repeated(found.get(path, [])) if path in arrays and "[*]" not in path else 0,
            "fields": _describe_fields(found.get(path, [])),
        }
        for path in {**arrays, **found}
    }


def _collect(value: Any, path: str, found: dict[str, list[Any]], arrays: dict[str, list[int]]) -> None:
    if isinstance(value, list):
        arrays.setdefault(path, []).append(len(value))
        found.setdefault(path, []).extend(value)
        children = [v for v in value if isinstance(v, (Mapping, list))]
        inner = f"{path}[*]"
    else:
        found.setdefault(path, []).append(value)
        children = [value]
        inner = path
    for child in children:
        if isinstance(child, Mapping):
            for name, sub in child.items():
                if isinstance(sub, (Mapping, list)):
                    _collect(sub, f"{inner}.{name}", found, arrays)
        elif child is not value:
            _collect(child, inner, found, arrays)


def _describe_fields(values: list[Any]) -> dict[str, Any]:
    if not values:
        return {}
    records = [v if isinstance(v, Mapping) else {"": v} for v in values]
    # Lists and objects within are described at paths of their own.
    names = dict.fromkeys(
        name for record in records for name, v in record.items() if not isinstance(v, (Mapping, list))
    )
    return {name: _describe_field([record.get(name) for record in records]) for name in names}


def _describe_field(values: list[Any]) -> dict[str, Any]:
    filled = [v for v in values if not _blank(v)]
    patterns: dict[str, int] = {}
    for value in filled:
        name = _pattern(value)
        patterns[name] = patterns.get(name, 0) + 1
    shares = {name: round(n / len(filled), 4) for name, n in sorted(patterns.items())}
    return {"filled": round(len(filled) / len(values), 4), "patterns": shares}


def _blank(value: Any) -> bool:
    return value is None or value == [] or value == {} or (isinstance(value, str) and not value.strip())


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATES = (
    r"\d{4}-\d\d?-\d\d?(?:[T ].*)?",
    r"\d\d?[./-]\d\d?[./-]\d{2,4}",
    rf"(?:\w+,? )?\d\d? {_MONTH}\.?,? \d{{4}}",
    rf"{_MONTH}\.? \d\d?,? \d{{4}}",
)
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("url", re.compile(r"(?:https?://|www\.)\S+", re.I)),
    ("email", re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.I)),
    ("date", re.compile("|".join(_DATES), re.I)),
    ("money", re.compile(r"(?:[$€£¥]|[A-Z]{3})\s?-?\d[\d.,' ]*|-?\d[\d.,' ]*\s?(?:[$€£¥]|[A-Z]{3})")),
    ("percent", re.compile(r"-?\d+(?:[.,]\d+)?\s?%")),
    ("number", re.compile(r"-?\d[\d.,' ]*")),
    ("phone", re.compile(r"\+?[\d(][\d()\s./-]{5,}")),
    ("code", re.compile(r"(?=.*\d)[A-Z0-9][A-Z0-9._/#-]*")),
)  # fmt: skip


def _pattern(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        text = value.strip()
        return next((name for name, pattern in _PATTERNS if pattern.fullmatch(text)), "text")
    return "object" if isinstance(value, Mapping) else "array"


def _merge_output(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path in sorted({path for part in parts for path in part}):
        here = [part[path] for part in parts if path in part]
        with_rows = [d for d in here if d["rows"][1] > 0]
        merged[path] = {
            "array": any(d["array"] for d in here),
            "rows": [min(d["rows"][0] for d in here), max(d["rows"][1] for d in here)],
            "repeated": max(d.get("repeated", _UNKNOWN) for d in here),
            "fields": {
                name: _merge_fields([d["fields"].get(name) for d in with_rows])
                for name in dict.fromkeys(n for d in with_rows for n in d["fields"])
            },
        }
    return merged


def _merge_fields(fields: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    known = [f for f in fields if f is not None]
    patterns = {
        name: max(f["patterns"].get(name, 0.0) for f in known)
        for name in sorted({p for f in known for p in f["patterns"]})
    }
    return {
        "filled": 0.0 if len(known) < len(fields) else min(f["filled"] for f in known),
        "patterns": patterns,
    }


# The checks.


def _check_rows(path: str, learnt: Mapping[str, Any], got: Mapping[str, Any] | None, empty: bool) -> Iterator[Breach]:
    fewest, most = learnt["rows"]
    if learnt["array"]:
        low, high = got["rows"] if got is not None else (0, 0)
        if high == 0 and fewest > 0:
            if not empty:
                yield Breach("no-rows", path, f"at least one row (good runs had {fewest} to {most})", "none")
            return
        if low < fewest * _FEWER_ROWS:
            yield Breach("fewer-rows", path, f"about {fewest} to {most} rows", str(low), structural=False)
        if most and high > most * 4:
            yield Breach("more-rows", path, f"about {fewest} to {most} rows", str(high), structural=False)
    if got is None or got["rows"][1] == 0:
        return
    for name, field in learnt["fields"].items():
        yield from _check_field(
            f"{path}[*].{name}" if learnt["array"] else f"{path}.{name}",
            field,
            got["fields"].get(name),
            got["rows"][1],
        )


def _check_repeated(path: str, learnt: Mapping[str, Any], got: Mapping[str, Any] | None) -> Iterator[Breach]:
    """Rows that come twice where they never did: a page of the list was read twice, and another perhaps not at all."""
    if got is None or learnt.get("repeated", _UNKNOWN) or learnt["rows"][1] < _ROWS_TO_JUDGE:
        return
    count, copies = got["rows"][1], got["repeated"]
    if copies >= 2 and copies > count * _REPEATED_ROWS:
        yield Breach("repeated-rows", path, "rows that all differ, as in good runs", f"{copies} of {count} rows twice")


def _check_field(path: str, learnt: Mapping[str, Any], got: Mapping[str, Any] | None, count: int) -> Iterator[Breach]:
    filled = got["filled"] if got is not None else 0.0
    # In few rows a field that was sometimes missing may be missing in all of them.
    certain = learnt["filled"] == 1.0 or (learnt["filled"] > 0 and count * learnt["filled"] >= 5)
    if filled == 0.0 and certain:
        yield Breach("field-empty", path, f"a value in {learnt['filled']:.0%} of rows", "none in any row")
        return
    if filled < learnt["filled"] * _LESS_FILLED:
        yield Breach(
            "field-sparse",
            path,
            f"a value in {learnt['filled']:.0%} of rows",
            f"{filled:.0%}",
            structural=False,
        )
    main, share = max(learnt["patterns"].items(), key=lambda p: p[1], default=("text", 0.0))
    if got is not None and main not in ("text", "object", "array") and share >= 0.9:
        kept = got["patterns"].get(main, 0.0)
        if filled > 0 and kept < _PATTERN_KEPT:
            now = max(got["patterns"].items(), key=lambda p: p[1])[0]
            yield Breach("pattern", path, f"values like a {main}", f"values like a {now}")


def _check_page(page: Mapping[str, Any], run: Observed) -> Iterator[Breach]:
    evidence = run.evidence
    if page.get("no_next_left") and evidence.next_controls:
        yield Breach(
            "next-left",
            "$",
            "no control for more rows left on the last page",
            repr(evidence.next_controls[0]),
        )
    count = rows(run.output)
    for text, number in evidence.counts:
        if _shape(text) in page.get("counts", ()) and number != count:
            yield Breach("count", "$", f"{number} rows, as the page says ({text!r})", str(count))
            break
    if page.get("progress_complete") and run.progress is not None and not _progress_complete(run):
        done, total = run.progress
        yield Breach("progress", "$", f"{total} rows, as the page said when the automation read it", str(done))


def _true_counts(run: Observed) -> set[str]:
    """The shapes of the statements on the page that gave the number of rows: "53 entries" has the shape "# entries"."""
    count = rows(run.output)
    shapes = {_shape(text) for text, number in run.evidence.counts if number == count}
    return shapes - {_shape(text) for text, number in run.evidence.counts if number != count}


def _shape(text: str) -> str:
    return re.sub(r"\d[\d.,]*", "#", text)


def _progress_complete(run: Observed) -> bool:
    return run.progress is not None and run.progress[1] is not None and run.progress[0] == run.progress[1]


def _empty_confirmed(run: Observed) -> bool:
    return any(visible for _, visible in run.evidence.empty)
