"""What the store keeps beside bundles: SQLite tables and result files."""
