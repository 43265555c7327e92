"""A git repository that several machines reach: refs are read, fetched, and replaced where nobody was first."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from engine.bundles.git_objects import git_environment
from engine.errors import BundleOutdated, InvalidRequest, StoreError
from engine.task.text import collapse

_NAME = "webtasks"  # stands for the URL, which may hold a password, in the lists of processes
_PROTOCOLS = "file:git:http:https:ssh"
_SECONDS = 120.0  # for one command
_ADDRESS = re.compile(r"(?:(?:file|git|https?|ssh)://|/|[\w.@-]+:)[^\s]+")
_KEPT = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "GIT_PROXY_COMMAND", "GIT_SSL_CAINFO")
_BLIND = ("GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL")
_LOOSE = {"fetch.unpackLimit": "100000", "transfer.unpackLimit": "100000"}  # replays read loose objects themselves


class GitRemote:
    """One repository that is reached over the network, or over a shared disk. Its methods block.

    git uses the user's own configuration, for keys and credentials, and asks nothing.

    Args:
        url: As git takes it: ``https://…``, ``ssh://…``, ``git@host:path``, ``file:///…``, or an absolute path.

    Raises:
        InvalidRequest: This is no address of a repository.
    """

    def __init__(self, url: str | Path) -> None:
        self._url = str(url)
        if _ADDRESS.fullmatch(self._url) is None or "::" in self._url:
            raise InvalidRequest(
                f"bundles must be the address of a git repository (https://…, ssh://…, git@host:path, or an absolute"
                f" path), not {self.shown!r}",
                field="bundles",
            )

    @property
    def shown(self) -> str:
        """The address without user name and password."""
        return re.sub(r"//[^/@]*@", "//", self._url)

    def tip(self, ref: str, directory: Path) -> str | None:
        """Return the id of the commit at a ref; None where there is no such ref.

        Args:
            directory: Of any bundle, or of none.

        Raises:
            StoreError: The repository cannot be reached.
        """
        listed = self._run(directory, ["ls-remote", _NAME, ref])
        return next((line.split("\t")[0] for line in listed.splitlines() if line.endswith(f"\t{ref}")), None)

    def fetch(self, ref: str, to: str, directory: Path) -> None:
        """Fetch a ref into a bundle's repository.

        Args:
            to: The ref there, which is replaced.

        Raises:
            StoreError: The repository cannot be reached, or has no such ref.
        """
        self._run(
            directory, ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", _NAME, f"+{ref}:{to}"]
        )

    def push(self, ref: str, commit: str, replaces: str | None, directory: Path) -> None:
        """Set a ref to a commit of a bundle's repository, if it still is at the commit that this one replaces.

        Args:
            replaces: Id of the commit that the ref must have now; None where there must be no such ref.

        Raises:
            BundleOutdated: Another was first.
            StoreError: The repository cannot be reached, or refuses.
        """
        lease = f"--force-with-lease={ref}:{replaces or ''}"
        self._run(directory, ["push", "--porcelain", "--no-verify", lease, _NAME, f"{commit}:{ref}"])

    def _run(self, directory: Path, arguments: list[str]) -> str:
        try:
            ended = subprocess.run(
                ["git", *arguments],
                env=self._environment(directory),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise StoreError("git was not found; install git 2.36 or newer and see that it is on the PATH") from error
        except subprocess.TimeoutExpired as error:
            raise StoreError(f"{self.shown} did not answer git {arguments[0]} within {_SECONDS:g} s") from error
        output = ended.stdout.decode("utf-8", "replace")
        if ended.returncode == 0:
            return output
        if arguments[0] == "push" and re.search(r"^!.*\((stale info|fetch first|non-fast-forward)", output, re.M):
            raise BundleOutdated(f"another machine published to {self.shown} first; its revision counts")
        said = collapse(f"{ended.stderr.decode('utf-8', 'replace')} {output}".replace(self._url, self.shown))[:500]
        raise StoreError(f"git {arguments[0]} failed at {self.shown}: {said}; see that this machine reaches it")

    def _environment(self, directory: Path) -> dict[str, str]:
        """Return a bundle's environment for git, with the user's own configuration and this remote."""
        found = {name: value for name, value in git_environment(directory).items() if name not in _BLIND}
        found |= {name: os.environ[name] for name in _KEPT if name in os.environ}
        found["GIT_ALLOW_PROTOCOL"] = _PROTOCOLS
        number = int(found["GIT_CONFIG_COUNT"])
        for name, value in {f"remote.{_NAME}.url": self._url, **_LOOSE}.items():
            found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
            number += 1
        return found | {"GIT_CONFIG_COUNT": str(number)}
