"""Serve one fixture site: `python -m fixtures_sites directory --port 3111`."""

import argparse
import contextlib
import errno
import signal
import sys
import time
from collections.abc import Sequence

from .errors import UnknownSiteError
from .server import serve
from .sites import SITES


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a site until Ctrl-C or SIGTERM.

    Returns:
        The exit code: 0 when stopped, 2 if the version does not exist or the port is not available.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}",
        description="Serve one of the fixture sites on 127.0.0.1 until Ctrl-C.",
    )
    parser.add_argument("site", choices=sorted(SITES), help="name of the site")
    parser.add_argument("--version", default="v1", help="design to serve: v1 (default), or v2, its redesign")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    options = parser.parse_args(arguments)
    try:
        server = serve(options.site, version=options.version, port=options.port)
    except UnknownSiteError as error:
        parser.error(str(error))
    except OverflowError:
        parser.error(f"--port must be from 0 to 65535, not {options.port}")
    except OSError as error:
        remedy = "; choose another --port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else ""
        print(f"cannot listen on port {options.port}: {error.strerror}{remedy}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with server, contextlib.suppress(KeyboardInterrupt):
        print(f"{server.site.about}\n{server.url}", flush=True)
        while True:
            time.sleep(3600)
    return 0


if __name__ == "__main__":
    sys.exit(main())
