"""The engine's interface: asynchronous, blocking, their options, and the queries about tasks."""
