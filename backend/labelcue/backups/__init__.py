"""A home in one file, and back: a ZIP archive of what LabelCue cannot make anew, with a checked list of its content."""

from labelcue.backups.making import make_backup
from labelcue.backups.manifest import Manifest
from labelcue.backups.restoring import restore_backup

__all__ = ["Manifest", "make_backup", "restore_backup"]
