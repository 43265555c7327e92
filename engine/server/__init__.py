"""The HTTP server: the two route families of the wire contract over ``AsyncEngine``. Needs the extra ``server``."""
