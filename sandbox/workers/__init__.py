"""The host's side of workers: the pool, the processes, the calls and their results."""
