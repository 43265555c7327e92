"""The model's loop and its tools."""
