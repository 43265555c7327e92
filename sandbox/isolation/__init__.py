"""How the operating system confines a worker: the jails, their measures, and how they end."""
