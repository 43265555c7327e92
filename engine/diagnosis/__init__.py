"""Diagnosis of failures: the site, a wall, the parameters, the sandbox, or the code is at fault."""
