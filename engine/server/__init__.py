"""The HTTP server: both route families of the wire contract, over ``AsyncEngine``. Needs the extra ``server``."""
