"""The gate: code proves itself before it is saved."""
