"""A Django project with a stock admin: somebody else's web application, for tests."""
