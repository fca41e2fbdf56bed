"""The admins' pages: rendered here, no build step, nothing from another address, and readable without scripts.

`frame.py` is what every page shares, `session.py` who may see them, `reading.py` what they read; one file a page.
"""

from labelcue.service.pages.frame import Pages

__all__ = ["Pages"]
