"""What admins read of a project: honest accuracy, label errors, agreement, coverage, drift, and when to stop.

Pure computations on arrays, one topic a file: nothing here reads a file, calls anybody or knows Label Studio.
`report.py` puts them together for one project.
"""
