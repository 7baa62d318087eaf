"""What all packages of one release are made of: the version, the binary and what it needs of a system."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
# Cargo writes crates there, too.
OUT = ROOT / "target" / "package"


class Broken(Exception):
    """A package, or what it is made of, is not as it should be."""


class Skipped(Exception):
    """The machine lacks what a proof needs."""


def run(*command, **options):
    """Runs a command and returns what it prints. What it says is part of the error if it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    except OSError as error:
        raise Broken(f"{words[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise Broken(f"{' '.join(words)}: status {done.returncode}\n{done.stdout.rstrip()}")
    return done.stdout


def expect(truth, message):
    """Raises `Broken` with the message where something does not hold."""
    if not truth:
        raise Broken(message)


def fresh(path):
    """An empty folder at `path`."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


class Release:
    """One version, with the binary that all packages carry."""

    def __init__(self, binary):
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        self.version = manifest["version"]
        self.description = manifest["description"]
        self.licence = manifest["license"]
        self.binary = self._stripped(binary)
        said = run(self.binary, "--version").strip()
        expect(
            re.match(rf"respd (v=)?{re.escape(self.version)}(\s|$)", said),
            f"{binary} says '{said}', and Cargo.toml {self.version}: it is to be built anew",
        )
        # Files in packages have the time of the commit, so that a package built twice is the same.
        told = os.environ.get("SOURCE_DATE_EPOCH")
        self.time = int(told or run("git", "log", "-1", "--format=%ct", cwd=ROOT))
        os.environ["SOURCE_DATE_EPOCH"] = str(self.time)
        self.machine = os.uname().machine

    def _stripped(self, binary):
        """A copy without symbols, which release builds have none of anyway."""
        copy = OUT / "binary" / "respd"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(binary, copy)
        copy.chmod(0o755)
        if ".symtab" in run("readelf", "--wide", "--section-headers", copy):
            run("strip", "--strip-unneeded", copy)
        return copy

    def glibc(self):
        """The version of glibc that the binary needs, as (2, 34); None if it is linked statically."""
        needs = run("readelf", "--wide", "--version-info", self.binary)
        found = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", needs)
        return max((int(major), int(minor)) for major, minor in found) if found else None

    def libraries(self):
        """The shared libraries that the binary loads, by their paths here, and what loads them."""
        if self.glibc() is None:
            return []
        return [Path(path) for path in re.findall(r"(/\S+) \(0x", run("ldd", self.binary))]
