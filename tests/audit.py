"""What can be said offline of the packages that are installed: `make audit`.

Every one is pinned and has its pinned version, agrees with the others, holds the files that its release lists, with
their hashes, and may be used under its licence. With `--index` the package index is asked whether a version was
withdrawn (yanked). None of this knows advisories: see docs/security.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from importlib.metadata import Distribution, distributions, requires
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
PRODUCT = "redcat-attribution"
# What makes an environment, and is in every one.
OF_THE_ENVIRONMENT = {PRODUCT, "pip", "setuptools", "wheel"}
# Licences that ask those who use a package for the source of what is theirs; lesser ones (LGPL) do not.
REFUSED_LICENCE = re.compile(r"\b(A?GPL|SSPL|BUSL|(Affero )?GNU General Public)", re.IGNORECASE)


def pins(text: str, /) -> dict[str, str]:
    """The pinned versions by canonical name; raises ValueError for a line that pins no one version."""
    found = {}
    for line in filter(None, (line.split("#")[0].strip() for line in text.splitlines())):
        wanted = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!+]+)", line)
        if wanted is None:
            raise ValueError(f"{line!r} pins no one version; write name==version")
        found[canonicalize_name(wanted[1])] = wanted[2]
    return found


def unpinned(installed: Iterable[Distribution], pinned: dict[str, str], /) -> Iterator[str]:
    """What is installed without a pin, or in another version."""
    for package in installed:
        name = canonicalize_name(package.name)
        if name in OF_THE_ENVIRONMENT:
            continue
        if name not in pinned:
            yield f"{name} {package.version} is installed and has no pin"
        elif pinned[name] != package.version:
            yield f"{name} is installed as {package.version}, and {pinned[name]} is pinned"


def changed(package: Distribution, /) -> Iterator[str]:
    """Files of a package that are not as its release lists them."""
    for file in package.files or ():
        if file.hash is None or file.hash.mode != "sha256":
            continue
        path = Path(str(file.locate()))
        if not path.is_file():
            yield f"{package.name}: {file} is gone"
            continue
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            yield f"{package.name}: {file} is not what was released"


def needed(product: str = PRODUCT, /, extras: tuple[str, ...] = ("postgres", "s3")) -> set[str]:
    """Every package that the product needs to run, those of its extras among them; not what only its tests need."""
    found: set[str] = set()
    left = [(product, extra) for extra in ("", *extras)]
    while left:
        name, extra = left.pop()
        for text in requires(name) or ():
            wanted = Requirement(text)
            other = canonicalize_name(wanted.name)
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            if other not in found:
                found.add(other)
                left += [(other, of) for of in ("", *wanted.extras)]
    return found


def licence(package: Distribution, /) -> str:
    """What the package says of its licence, in one line; a whole text is as good as its first line."""
    told = package.metadata
    stated = told.get("License-Expression") or next(iter((told.get("License") or "").strip().splitlines()), "")
    classes = [line for line in told.get_all("Classifier") or () if line.startswith("License ::")]
    return "; ".join([stated, *classes]).strip("; ")


def refused_licences(installed: Iterable[Distribution], wanted: set[str], /) -> Iterator[str]:
    """Packages that the product needs to run, and whose licence reaches what uses them."""
    for package in installed:
        told = licence(package)
        choices = [part for part in re.split(r"\bOR\b|;", told) if part.strip()]
        if canonicalize_name(package.name) in wanted and choices and all(map(REFUSED_LICENCE.search, choices)):
            yield f"{package.name} {package.version} is under {told}"


def withdrawn(report: str, /) -> list[str]:
    """The releases that the index says were withdrawn, by the report of pip."""
    items = json.loads(report)["install"]
    return [f"{i['metadata']['name']} {i['metadata']['version']} was withdrawn" for i in items if i.get("is_yanked")]


def main(arguments: list[str]) -> int:
    """Print what is wrong, a line each; the status is 1 if anything is."""
    installed = sorted(distributions(), key=lambda package: package.name.lower())
    pinned = pins(CONSTRAINTS.read_text(encoding="utf-8"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wrong = [*unpinned(installed, pinned), *refused_licences(installed, needed())]
    wrong += [line for package in installed for line in changed(package)]
    agreed = subprocess.run([*pip, "check"], capture_output=True, text=True, check=False)
    if agreed.returncode:
        wrong += agreed.stdout.splitlines()
    if "--index" in arguments:
        asking = ["install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-"]
        told = subprocess.run([*pip, *asking, "-r", str(CONSTRAINTS)], capture_output=True, text=True, check=False)
        wrong += withdrawn(told.stdout) if told.returncode == 0 else [told.stderr.strip()]
    print("\n".join(wrong) or f"{len(installed)} packages are pinned, whole, in agreement and free to use")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
