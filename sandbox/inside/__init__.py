"""The program in the jail: the worker, its driver and browser, and the automation that it runs."""
