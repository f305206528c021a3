"""The list of what the bot is made of, in CycloneDX 1.6 (JSON), checked against its schema."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tools.audit.packages import SHIPPED_WEIGHTS, Package


def make(packages: Sequence[Package], root: Path, version: str) -> str:
    """The document, as text.

    Raises:
        ValueError: it does not conform to the schema.
    """
    licences = LicenseFactory()
    bom = Bom()
    bom.metadata.component = bot = Component(
        name="evenkeel", version=version, type=ComponentType.APPLICATION, bom_ref="evenkeel",
        licenses=[licences.make_from_string("Apache-2.0 AND CC-BY-4.0")],
    )  # fmt: skip
    made = {
        package.name: Component(
            name=package.name,
            version=package.version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{package.name}=={package.version}",
            purl=PackageURL("pypi", name=package.name, version=package.version),
            licenses=[licences.make_from_string(package.licence)] if package.licence else (),
        )
        for package in packages
    }
    for file, (name, licence) in SHIPPED_WEIGHTS.items():
        path = root / file
        content = path.read_bytes() if path.exists() else b""
        made[file] = Component(
            name=name,
            type=ComponentType.MACHINE_LEARNING_MODEL,
            bom_ref=file,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(content).hexdigest())],
            licenses=[licences.make_from_string(licence)],
        )
    for component in made.values():
        bom.components.add(component)
    needed = {name for package in packages for name in package.needs}
    bom.register_dependency(bot, [component for name, component in made.items() if name not in needed])
    for package in packages:
        bom.register_dependency(made[package.name], [made[name] for name in package.needs])
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if (problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
        raise ValueError(str(problem))
    return text
