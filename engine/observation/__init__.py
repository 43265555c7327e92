"""A page as short text for the model: its snapshot folded, compared with the last one, and searched."""
