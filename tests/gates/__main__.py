"""`make check` runs this: the gates, and the bill of materials as CycloneDX 1.5 at the path that is given."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gates.code import dangerous
from gates.dependencies import Package, needed, problems

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


def bill(packages: Sequence[Package], version: str) -> dict[str, Any]:
    """The bill of materials of one installation, in CycloneDX: the same packages give the same bytes."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "labelcue", "version": version}},
        "components": [
            {
                "type": "library",
                "name": one.name,
                "version": one.version,
                "purl": f"pkg:pypi/{one.name}@{one.version.partition('+')[0]}",
                "licenses": [{"license": {"name": one.licence}}],
            }
            for one in packages
        ],
    }


def main(target: Path) -> int:
    """The exit status: 1 where a gate is shut."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sources = [path for room in ("backend/labelcue", "plugin") for path in sorted((ROOT / room).rglob("*.py"))]
    packages = needed(project["dependencies"])
    found = [f"code from data: {one}" for one in dangerous(sources)]
    found += [f"dependency: {one}" for one in problems(packages, ROOT / "requirements.lock")]
    target.write_text(json.dumps(bill(packages, project["version"]), indent=1) + "\n")
    for one in found:
        print(one, file=sys.stderr)
    if not found:
        print(f"No code from data in {len(sources)} sources; {len(packages)} packages looked at, listed in {target}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
