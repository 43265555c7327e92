"""The jails: confinement of a worker by the operating system, measurement of its use, and its end."""
