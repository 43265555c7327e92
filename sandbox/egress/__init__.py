"""The one way out of a jail: a proxy that checks every name and address."""
