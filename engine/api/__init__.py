"""The engine as a user calls it: asynchronous, blocking, and its queries about tasks."""
