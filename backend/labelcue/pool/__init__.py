"""Vectors by row and what is kept of them: the only place that knows matrix rows."""
