"""The network access of workers: a proxy that checks every name and address."""
