"""Small web sites, served on loopback, for trying and testing automations.

Each site exists in a version `v1` and a redesign `v2` that shares no class, no id and no order of elements
with it. Switching the version of a running site is what a redesign is to a saved automation:

>>> from fixtures_sites import serve
>>> with serve("directory") as site:
...     site.version = "v2"
...     site.url.startswith("http://127.0.0.1:")
True

**To add a site:** write a package `fixtures_sites/<name>/` whose `__init__.py` has a module-level
`SITE = Site(...)` with routes on it (see `fixtures_sites.server.Site`), and add its line to
`fixtures_sites/sites.py`. Keep to the standard library; a page's HTML comes from Python functions, or from
files beside the module that are read with `importlib.resources`.
"""

from fixtures_sites.server import FixtureServer, serve
from fixtures_sites.sites import SITES

__all__ = ["SITES", "FixtureServer", "serve"]
