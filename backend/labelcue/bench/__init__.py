"""Measurements, each a module with `run(...) -> dict`. Figures, not tests."""
