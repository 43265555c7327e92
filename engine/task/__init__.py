"""The task and its result: requests, results, events, schemas, secrets and causes of failure."""
