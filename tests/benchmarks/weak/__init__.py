"""The parts of the bench of weak models: small sites, tasks with right code, mistakes, players, scripted answers."""
