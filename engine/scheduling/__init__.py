"""Whose turn it is: slots, keys, cancellation, and what engines that died left behind."""
