"""The npm package: the binary, and a module that starts it. Everything in it but the binary is `packaging/node/`."""

import json
import os
import shutil

from . import server
from .release import OUT, PACKAGING, ROOT, Skipped, expect, fresh, run

NAME = "npm"
SOURCE = PACKAGING / "node"
# Node.js has names of its own for machines.
CPUS = {"x86_64": "x64", "aarch64": "arm64"}


def lacks():
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm; to install them: apt-get install nodejs npm"
    return None


def build(release):
    staged = fresh(OUT / "npm")
    manifest = json.loads((SOURCE / "package.json").read_text())
    manifest.update(version=release.version, description=release.description, license=release.licence)
    manifest["cpu"] = [CPUS.get(release.machine, release.machine)]
    if release.glibc() is not None:
        manifest["libc"] = ["glibc"]
    else:
        del manifest["libc"]
    (staged / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    for name in ("index.js", "index.d.ts", "stage.js", "test.js", "test.d.ts", "README.md"):
        shutil.copy(SOURCE / name, staged)
    shutil.copy(ROOT / "LICENSE", staged)
    (staged / "bin").mkdir()
    shutil.copy(release.binary, staged / "bin/respd")
    packed = run("npm", "pack", "--silent", "--pack-destination", OUT, cwd=staged).strip()
    return OUT / packed


def prove(release, package):
    """Installs it into an empty project, where its tests run and `npx respd` is the binary."""
    version = [int(part) for part in run("node", "--version").strip("v\n").split(".")]
    if version < [18, 19]:
        raise Skipped("node is older than 18.19")
    place = fresh(OUT / "try-npm")
    (place / "package.json").write_text('{"private": true, "type": "module"}\n')
    # Nothing is fetched: the package depends on nothing.
    run("npm", "install", "--offline", "--no-audit", "--no-fund", package, cwd=place)
    expect(sorted(path.name for path in (place / "node_modules").iterdir() if not path.name.startswith(".")) == ["respd"],
           "the npm package brings others with it")
    said = run("npx", "--offline", "respd", "--version", cwd=place)
    expect(release.version in said, f"npx respd says {said}")
    for test in (SOURCE / "tests").glob("*.test.js"):
        shutil.copy(test, place)
    environment = {name: value for name, value in os.environ.items() if name != "RESPD_BINARY"}
    # The limit is for a server that outlives its test, or keeps a program alive.
    limit = f"--test-timeout={server.PATIENCE * 1000}"
    told = run("node", "--test", "--test-reporter=tap", limit, cwd=place, env=environment)
    passed = [line for line in told.splitlines() if line.startswith("# pass ")]
    return f"{passed[0].split()[-1]} tests passed, npx respd --version"
