"""The store beside its bundles: SQLite tables and result files."""
