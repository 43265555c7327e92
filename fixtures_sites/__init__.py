"""Small web sites, served on loopback, for trying out and testing automations.

Each site has a version `v1` and a redesign `v2`, which share no class, no id and no order of elements. Switching the
version of a running site does to a saved automation what a redesign does:

>>> from fixtures_sites import serve
>>> with serve("directory") as site:
...     site.version = "v2"
...     site.url.startswith("http://127.0.0.1:")
True

**To add a site:** write a package `fixtures_sites/<name>/` whose `__init__.py` has a module-level
`SITE = Site(...)` with routes on it (see `fixtures_sites.server.Site`), and add its line to
`fixtures_sites/sites.py`. Use the standard library only; a page's HTML comes from Python functions, or from files
beside the module, read with `importlib.resources`.
"""

from .server import FixtureServer, serve
from .sites import SITES

__all__ = ["SITES", "FixtureServer", "serve"]
