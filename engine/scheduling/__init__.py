"""The scheduling of tasks: slots, order, cancellation, and the recovery of tasks whose engine died."""
