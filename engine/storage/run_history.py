"""The history of each revision's clean runs: their number, parameters and outputs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.contract import (
    History,
    Observed,
    PreviousOutput,
    beside,
    match_rows,
    merge,
    merge_signatures,
    rows,
)
from engine.storage import suspicions
from engine.storage.accounts import Accounts
from engine.storage.database import Database, dump, now
from engine.storage.failed_repairs import FailedRepairs
from engine.storage.suspicions import Suspicions

_GOOD_KEPT = 5  # sets of parameters
_OUTPUTS_KEPT = 20  # sets of parameters, by revision
_FORGETTING = 0.5  # of the longest wait with each run: one slow run is not the measure for ever
_LONGEST = 1 << 17  # characters of a kept output; a longer one is kept without its rows
_OUTPUT = "parameters, runs, fewest, most, output, digest, joins, kept, changed, span, at, beside, account"


class RunHistory:
    """The clean runs of each revision. Every method may be called from any thread, and blocks.

    Attributes:
        suspicions: Results that were refused, by revision.
        failed_repairs: Repairs that failed, by revision.
        accounts: Tells accounts apart.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.suspicions = Suspicions(database)
        self.failed_repairs = FailedRepairs(database)
        self.accounts = Accounts(database.path.with_name("accounts.key"))

    def clean_run(
        self,
        revision: str,
        good: Sequence[Mapping[str, Any]],
        sample: str | None,
        runs: Sequence[Observed] = (),
        wait: float = 0.0,
        signature: Mapping[str, Any] | None = None,
        *,
        images: bool = False,
    ) -> None:
        """Count a clean run, and update the profile of the revision's good outputs; what it gives is in doubt no more.

        Args:
            good: Parameters that gave rows; the last three sets are kept, for replays that confirm a doubtful result.
            sample: The run's request and output as text, for a later repair; None where there is nothing to show.
            wait: Seconds that it waited for the page at one time, at most.
            signature: Where the values of this run stood, as `signature_of` returns it; without secrets.
            runs: Output of the run, after those of other runs that proved the same code; without secrets.
            images: Its pages have enough pictures that a run without them is worth trying.
        """
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT parameters, profile, provenance FROM revisions WHERE revision = ?", (revision,)
            ).fetchone()
            known = [json.loads(row[2])] if row and row[2] else []
            signatures = known + ([signature] if signature else [])
            sets = [dict(p) for p in good] + (json.loads(row[0]) if row and row[0] else [])
            distinct = [p for n, p in enumerate(sets) if p not in sets[:n]][:_GOOD_KEPT]
            profiles = [json.loads(row[1])] if row and row[1] else []
            for run in runs:
                suspicions.clear(db, revision, run.parameters, run.account)
                if rows(run.output) != 0:  # an output without rows has nothing to learn from
                    profiles.append(run.described)
                    _keep_output(db, revision, run)
            db.execute(
                "INSERT INTO revisions (revision, clean_runs, parameters, sample, profile, provenance, longest_wait,"
                " same_without_images) VALUES (?, 1, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (revision) DO UPDATE SET clean_runs = clean_runs + 1, parameters = excluded.parameters,"
                " sample = coalesce(excluded.sample, sample), profile = excluded.profile,"
                " provenance = excluded.provenance,"
                " longest_wait = max(excluded.longest_wait, ? * coalesce(longest_wait, 0)),"
                " same_without_images = coalesce(same_without_images, excluded.same_without_images)",
                (
                    revision,
                    dump(distinct),
                    sample,
                    dump(merge(profiles)) if profiles else None,
                    dump(merge_signatures(signatures)) if signatures else None,
                    wait,
                    0 if images else None,
                    _FORGETTING,
                ),
            )

    def sample(self, revision: str) -> str:
        """Return request and output of a revision's last good run, as text; empty where there was none."""
        with self._database.alone() as db:
            row = db.execute("SELECT sample FROM revisions WHERE revision = ?", (revision,)).fetchone()
        return row[0] or "" if row else ""

    def clean_runs(self, revision: str) -> tuple[int, list[dict[str, Any]]]:
        """Return the number of a revision's clean runs, and sets of parameters that gave rows, the last first."""
        with self._database.alone() as db:
            row = db.execute("SELECT clean_runs, parameters FROM revisions WHERE revision = ?", (revision,)).fetchone()
        return (row[0], json.loads(row[1] or "[]")) if row else (0, [])

    def parameters_of(self, revision: str, account: str) -> list[dict[str, Any]]:
        """Return those sets of parameters that gave rows with an account's secrets, the last first."""
        _, good = self.clean_runs(revision)
        with self._database.alone() as db:
            kept = db.execute("SELECT parameters, account FROM outputs WHERE revision = ?", (revision,)).fetchall()
        accounts: dict[str, set[str]] = {}
        for asked, of in kept:
            accounts.setdefault(asked, set()).add(of)
        return [one for one in good if account in accounts.get(dump(one), {""})]

    def longest_wait(self, revision: str) -> float | None:
        """Return the longest time, in seconds, that clean runs of a revision waited for the page; None if unknown."""
        with self._database.alone() as db:
            row = db.execute("SELECT longest_wait FROM revisions WHERE revision = ?", (revision,)).fetchone()
        return row[0] if row else None

    def same_without_images(self, revision: str) -> int | None:
        """Return how often a revision gave the same without pictures; None: not worth trying; -1: it gave another."""
        with self._database.alone() as db:
            asked = "SELECT same_without_images FROM revisions WHERE revision = ?"
            row = db.execute(asked, (revision,)).fetchone()
        return row[0] if row else None

    def note_without_images(self, revision: str, *, same: bool) -> None:
        """Note that a revision gave the same without pictures once more, or that it did not, which is for good."""
        change = "same_without_images + 1" if same else "-1"
        with self._database.alone() as db:
            db.execute(
                f"UPDATE revisions SET same_without_images = {change} WHERE revision = ?",  # noqa: S608  constants
                (revision,),
            )

    def history(self, revision: str, parameters: Mapping[str, Any], account: str = "") -> History:
        """Return the profile of a revision's good outputs, and the previous outputs for these and other parameters.

        Args:
            parameters: Those of the run to be judged, as `clean_run` was given them.
            account: Identity of its secrets: another account's outputs are none of the same parameters.
        """
        with self._database.alone() as db:
            row = db.execute(
                "SELECT clean_runs, profile, provenance FROM revisions WHERE revision = ?", (revision,)
            ).fetchone()
            kept = db.execute(
                f"SELECT {_OUTPUT} FROM outputs WHERE revision = ? ORDER BY at DESC",  # noqa: S608  a constant
                (revision,),
            ).fetchall()
        asked, pasts = (dump(parameters), account), [((values[0], values[-1]), _previous(values)) for values in kept]
        return History(
            clean_runs=row[0] if row else 0,
            profile=json.loads(row[1]) if row and row[1] else {},
            same=next((past for identity, past in pasts if identity == asked), None),
            others=tuple(past for identity, past in pasts if identity != asked),
            account=account,
            provenance=json.loads(row[2]) if row and row[2] else {},
        )

    def inherit(self, old: str, new: str, *, trust: bool) -> None:
        """Copy one revision's history to the next, which gives the same kind of output.

        Args:
            trust: Whether the clean runs count for the new revision, too, with where their values stood: only where
                the code is the same.
        """
        with self._database.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO revisions"
                " (revision, clean_runs, parameters, sample, profile, provenance, longest_wait, same_without_images)"
                " SELECT ?1, iif(?2, clean_runs, 0), parameters, sample, profile, iif(?2, provenance, NULL),"
                " longest_wait, iif(?2, same_without_images, NULL) FROM revisions WHERE revision = ?3",
                (new, trust, old),
            )
            db.execute(
                "INSERT OR IGNORE INTO outputs SELECT ?, parameters, account, runs, fewest, most, output, digest,"
                " joins, kept, changed, at, span, beside FROM outputs WHERE revision = ?",
                (new, old),
            )
            if trust:
                suspicions.inherit(db, old, new)


def _keep_output(db: sqlite3.Connection, revision: str, run: Observed) -> None:
    """Keep the output as the last one of its parameters, with its differences from the one before."""
    asked, count, shown = dump(run.parameters), rows(run.output), run.compacted
    row = db.execute(
        f"SELECT {_OUTPUT} FROM outputs WHERE revision = ? AND parameters = ? AND account = ?",  # noqa: S608  a constant
        (revision, asked, run.account),
    ).fetchone()
    past = (
        _previous(row)
        if row
        else PreviousOutput(run.parameters, 0, (count, count) if count is not None else None, (), "")
    )
    joins, kept, changed, span = past.joins, past.kept, dict(past.changed), past.span
    if (join := match_rows(past.output, shown)) is not None:
        joins, kept, span = joins + 1, min(kept, join[0]), max(span, past.age)
        changed = {name: max(share, changed.get(name, 0.0)) for name, share in join[1].items()}
    band = (None, None) if count is None or past.rows is None else (min(past.rows[0], count), max(past.rows[1], count))
    text, aside = dump(shown), beside(run.output)
    db.execute(
        "INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            revision, asked, run.account, past.runs + 1, *band, text if len(text) <= _LONGEST else "[]",
            run.digest, joins, kept, dump(changed), now(), span, dump(aside) if aside else None,
        ),
    )  # fmt: skip
    db.execute(
        "DELETE FROM outputs WHERE revision = ?1 AND rowid NOT IN"
        " (SELECT rowid FROM outputs WHERE revision = ?1 ORDER BY at DESC LIMIT ?2)",
        (revision, _OUTPUTS_KEPT),
    )


def _previous(row: Sequence[Any]) -> PreviousOutput:
    parameters, runs, fewest, most, output, output_digest, joins, kept, changed, span, at, aside, account = row
    return PreviousOutput(
        parameters=json.loads(parameters),
        runs=runs,
        rows=None if fewest is None else (fewest, most),
        output=json.loads(output),
        digest=output_digest,
        joins=joins,
        kept=kept,
        changed=json.loads(changed),
        span=span,
        account=account,
        beside=json.loads(aside) if aside else {},
        age=max(0.0, (datetime.fromisoformat(now()) - datetime.fromisoformat(at)).total_seconds()),
    )
