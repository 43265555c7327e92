"""Serve one fixture site until interrupted: `python -m fixtures_sites directory --version v1 --port 8001`."""

import argparse
import sys
import time
from collections.abc import Sequence

from fixtures_sites.errors import UnknownSiteError
from fixtures_sites.server import serve
from fixtures_sites.sites import SITES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when interrupted, 2 for a site, version or port that cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m fixtures_sites", description="Serve a fixture site on loopback.")
    parser.add_argument("site", choices=sorted(SITES))
    parser.add_argument("--version", default="v1", help="which design to serve (default: v1)")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    options = parser.parse_args(arguments)
    try:
        server = serve(options.site, version=options.version, port=options.port)
    except (UnknownSiteError, OSError) as error:
        print(f"cannot serve {options.site}: {error}", file=sys.stderr)
        return 2
    with server:
        try:
            print(f"{server.site.about}\n{server.url}", flush=True)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
