"""One run of an automation: its worker, the host that answers it, and what it may reach."""
