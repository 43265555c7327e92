"""One task from start to end: replay, verdict, acceptance or authoring, commit."""
