"""Whose fault a failure is: the site, a wall, the parameters, the sandbox, or the code."""
