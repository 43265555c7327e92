"""The Model Context Protocol: each saved automation is a tool that agents can call. Needs the extra ``mcp``."""
