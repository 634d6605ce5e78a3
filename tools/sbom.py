"""The bill of materials of a lock, as CycloneDX JSON on stdout. `python -m tools.sbom requirements.lock`.

Lists what the lock pins for any platform, each with its version, the SHA-256 of its distributions and its package
URL; no registry's address.
"""

from __future__ import annotations

import re
import sys
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: *; *([^\\\n]+?))? *(?:\\\n|$)((?: +--hash=.*\n?)*)", re.M)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill_of(lock: str) -> Bom:
    """The packages of a requirements lock with hashes."""
    components = [
        Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"{name}=={version}",
            purl=PackageURL("pypi", None, name, version),
            properties=[
                *(Property(name="cchc:sha256", value=sum_) for sum_ in _HASH.findall(hashes)),
                *([Property(name="cchc:marker", value=marker)] if marker else []),
            ],
        )
        for name, version, marker, hashes in _PINNED.findall(lock)
    ]
    root = Component(type=ComponentType.APPLICATION, name="cchc-warehouse", bom_ref="cchc-warehouse")
    root.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=_sum(lock)))
    bom = Bom(components=components, serial_number=uuid5(NAMESPACE_URL, _sum(lock)))
    bom.metadata.component = root
    bom.register_dependency(root, components)
    return bom


def _sum(lock: str) -> str:
    return sha256(lock.encode()).hexdigest()


if __name__ == "__main__":
    print(JsonV1Dot6(bill_of(Path(sys.argv[1]).read_text("utf-8"))).output_as_string(indent=1))
