"""The verdict on a replay: good, data of a new kind, or whose fault it is that the result is not good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.bundles import Bundle
from engine.contract import Breach
from engine.diagnosis.failures import outcome_failure
from engine.execution.automation_run import AutomationRun
from engine.task.cause import Cause


@dataclass(frozen=True)
class Accepted:
    """The result is good.

    Args:
        breaches: Departures from the contract that do not bind, told as warnings.
        unasked: True where the model would have been asked of some, but for ``trust="lenient"``: no later run is to be
            held against such a result.
    """

    run: AutomationRun
    breaches: Sequence[Breach] = ()
    unasked: bool = False


@dataclass(frozen=True)
class NewData:
    """The result is good, and of a kind that the contract did not know: the contract is to be widened.

    Args:
        bundle: The bundle, with its contract widened, and its inferred schema where that refused the output.
        in_words: True where it departs in doubtful ways alone, as by the words of the page.
    """

    run: AutomationRun
    bundle: Bundle
    problems: Sequence[str]
    in_words: bool = False


@dataclass(frozen=True)
class Drifted:
    """The code no longer fits the page.

    Args:
        of_result: True where the run's own result, if it gave one, was refused.
    """

    run: AutomationRun
    problems: Sequence[str]
    breaches: Sequence[Breach] = ()
    of_result: bool = True

    @property
    def trouble(self) -> str:
        """The failure in words, for the model that repairs it."""
        error, hosts = self.run.outcome.error, ", ".join(self.run.unknown_hosts)
        left = "The page is as that run left it." if self.run.outcome.session is not None else ""
        lines = ["; ".join(self.problems), error.traceback if error else "", left]
        if hosts:
            lines.append(
                f"That run was kept from hosts it had not needed before: {hosts}. From now on they are reached."
            )
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True)
class ParametersAtFault:
    """The code still works with parameters that gave rows before, so the site does not know the request's."""

    cause: Cause


@dataclass(frozen=True)
class SiteAtFault:
    """The site, the network or a wall stood in the way; code is not to blame.

    Args:
        run: The run that it stopped; None for one with other parameters.
    """

    cause: Cause
    run: AutomationRun | None = None

    def place(self) -> tuple[str, str]:
        """Return the reason and the address without its query, which tell if a retry ended in the same way."""
        url = str(self.cause.details.get("url") or (self.run.outcome.evidence.url if self.run is not None else ""))
        return self.cause.reason, url.partition("?")[0]


@dataclass(frozen=True)
class PassedGate:
    """The run failed after something irreversible was let through: nothing may be run again.

    Args:
        run: The run; its page is still open where ``outcome.session`` is given.
        code: The source that ran.
        reason: The reason that the attempt is recorded with.
    """

    run: AutomationRun
    problems: Sequence[str]
    code: str
    reason: str = "drift"

    @property
    def cause(self) -> Cause:
        """The cause of the failure, should the result not be read off the page."""
        return outcome_failure(self.problems, self.run, reason="failed-behind-gate")


Verdict = Accepted | NewData | Drifted | ParametersAtFault | SiteAtFault | PassedGate


@dataclass(frozen=True)
class Suspect:
    """A result that the run alone does not settle: problems, or no rows where the page says that there are none.

    Args:
        reason: The reason that the attempt is recorded with; None where it is not known to have failed.
        unproven: True where the result is good, but nothing shows that the code uses the parameters, which are the
            first to differ from those of its only example.
        only_doubtful: True where all problems are doubtful departures, which one question to the model settles.
    """

    run: AutomationRun
    problems: Sequence[str] = ()
    breaches: Sequence[Breach] = ()
    reason: str | None = None
    unproven: bool = False
    only_doubtful: bool = False

    @property
    def nothing_likely(self) -> bool:
        """True where it has no rows, and only the page's silence speaks against that."""
        return self.only_doubtful and all(b.kind == "no-rows" for b in self.breaches if b.binds)


@dataclass(frozen=True)
class OtherParameters:
    """The finding of a replay with parameters that gave rows before.

    Args:
        works: None where no such parameters are known, or the code may not be run again.
        page_text: The text of the page that it ended on.
        run: The run; None where there was none.
        obstacle: What stood in its way, where that says nothing of the code, nor of the parameters.
        problems: Why its result was refused.
    """

    works: bool | None = None
    page_text: str = field(default="", repr=False)
    run: AutomationRun | None = field(default=None, repr=False)
    obstacle: SiteAtFault | None = None
    problems: Sequence[str] = ()
