"""`dev.py package`: the deployment package, its template and its bill of materials, or the wheel of `token-broker`."""

import hashlib
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from cli.parser import CommandParser
from local.package.package import PLATFORMS, ROOT, SHIPPED, PackagingError, architecture, build_package
from local.package.sbom import write_bill
from local.package.template import write_template
from local.package.wheel import build_wheel


def main(arguments: list[str] | None = None) -> int:
    """Build one zip, its template and its bill of materials, or the wheel; print names, size and SHA-256."""
    parser = CommandParser(prog="dev.py package", description=__doc__.splitlines()[0])
    parser.add_argument("--arch", choices=[*PLATFORMS, "host"], default="arm64", help="where it will run (arm64)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR", help="folder of the zip (dist)")
    parser.add_argument("--wheel", action="store_true", help="build the wheel of the command token-broker instead")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args(arguments)
    try:
        if options.wheel:
            print(describe(build_wheel(options.out), as_json=options.json))
            return 0
        target = options.out / f"token-broker-{architecture(options.arch)}.zip"
        build_package(target, arch=options.arch)
        template = write_template(target, arch=architecture(options.arch))
        bill = write_bill(target)
        if changed := uncommitted(ROOT):
            print(
                f"package: built with {len(changed)} uncommitted changes: no commit gives these bytes", file=sys.stderr
            )
        print(describe(target, template, bill, as_json=options.json))
    except PackagingError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    return 0


def uncommitted(root: Path) -> list[str]:
    """Shipped files that differ from the last commit, or that git does not know yet; none where there is no git."""
    command = ["git", "-C", str(root), "status", "--porcelain", "--", *SHIPPED, "requirements.txt"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def describe(target: Path, template: Path | None = None, bill: Path | None = None, *, as_json: bool = False) -> str:
    """Name, size and SHA-256 of a package or a wheel, and the names of what belongs to it."""
    content = target.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    others = {name: str(path) for name, path in (("template", template), ("bill", bill)) if path}
    if as_json:
        first = {"package" if others else "wheel": str(target)}
        return json.dumps({**first, **others, "bytes": len(content), "sha256": digest})
    told = f"{len(content):,} bytes  sha256 {digest}"
    chalice = f"  chalice {metadata.version('chalice')}" if others else ""
    return "\n".join([f"{target}  {told}{chalice}", *others.values()])
