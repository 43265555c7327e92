"""The dashboard at ``/ui``: tasks as they run, keys with their health, costs and history, and forms to act on them."""

from engine.server.ui.routes import routes

__all__ = ["routes"]
