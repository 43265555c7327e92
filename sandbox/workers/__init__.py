"""The caller's side of workers: started ahead, tied to one automation, spoken to, ended."""
