"""Plugins as `latentclust plugins new` writes them, laid down as an installer would, without one."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from latentclust.cli.plugins.new_plugin import NewPlugin


def write(plugin: NewPlugin, out: Path) -> Path:
    """Writes the distribution's folder."""
    folder = out / plugin.distribution
    for path, text in plugin.files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def lay_down(folders: Iterable[Path], site: Path) -> None:
    """Puts packages and metadata of distributions into a folder of packages."""
    for folder in folders:
        project = tomllib.loads((folder / "pyproject.toml").read_text())
        about, (package,) = project["project"], (folder / "src").iterdir()
        (site / package.name).symlink_to(package, target_is_directory=True)
        info = site / f"{package.name}-{about['version']}.dist-info"
        info.mkdir()
        required = "".join(f"Requires-Dist: {line}\n" for line in about["dependencies"])
        head = f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
        (info / "METADATA").write_text(f"{head}Summary: {about['description']}\n{required}")
        groups = about["entry-points"].items()
        listed = [[f"[{group}]", *(f"{name} = {value}" for name, value in points.items())] for group, points in groups]
        (info / "entry_points.txt").write_text("\n".join(line for lines in listed for line in lines) + "\n")
