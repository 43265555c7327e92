"""What is asked and what is given back: requests, results, events, schemas, secrets and causes of failure."""
