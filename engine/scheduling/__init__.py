"""The turn of each task: slots, keys, cancellation, and what engines that died left behind."""
