"""The commands; related ones share a module."""
