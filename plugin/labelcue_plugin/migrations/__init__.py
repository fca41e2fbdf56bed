"""The plugin's two tables."""
