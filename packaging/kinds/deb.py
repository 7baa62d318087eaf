"""The package for Debian and what comes of it: the binary, the unit, its user, `/etc/respd/respd.conf`, man pages and
completions, staged and packed by dpkg-deb."""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
from email.utils import formatdate

from . import completions, manual
from .release import OUT, PACKAGING, ROOT, Broken, Skipped, expect, fresh, run

NAME = "deb"
SOURCE = PACKAGING / "debian"
# What the proof prints where the machine does not let it have a root of its own.
NO_PLACE = 75

CONTROL = """\
Package: respd
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kib}
Depends: {depends}
Suggests: redis-tools
Section: database
Priority: optional
Description: small server for RESP, the Redis protocol
 It replies as Valkey 9.1 does, byte for byte, in RESP2 and RESP3: strings,
 hashes, lists, sets, sorted sets and streams, expiry and eviction,
 transactions, scripts, publish and subscribe, client-side caching, users.
 .
 Data are kept in snapshots and logs that Redis and Valkey read. There are no
 replicas and no cluster.
"""


def lacks():
    return None if shutil.which("dpkg-deb") else "dpkg-deb: packages for Debian are made on Debian, or where dpkg is"


def build(release):
    """Stages every file and packs them."""
    stage = fresh(OUT / "deb")
    architecture = run("dpkg", "--print-architecture").strip()
    place(stage / "usr/bin/respd", release.binary.read_bytes(), 0o755)
    place(stage / "usr/lib/systemd/system/respd.service", (PACKAGING / "systemd/respd.service").read_bytes())
    place(stage / "etc/respd/respd.conf", (SOURCE / "respd.conf").read_bytes(), 0o640)
    for name, page in manual.pages(release).items():
        place(stage / f"usr/share/man/man{name[-1]}/{name}.gz", compressed(page))
    for path, text in completions.files(release).items():
        place(stage / path, text.encode())
    documents = stage / "usr/share/doc/respd"
    place(documents / "copyright", (SOURCE / "copyright").read_bytes())
    place(documents / "changelog.gz", compressed((ROOT / "CHANGELOG.md").read_text()))
    place(documents / "changelog.Debian.gz", compressed(changelog(release)))
    place(documents / "examples/users.conf", (ROOT / "examples/users.conf").read_bytes())
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(stage)}\n" for path in files]
    control = CONTROL.format(
        version=f"{release.version}-1",
        architecture=architecture,
        maintainer=maintainer(),
        kib=sum(path.stat().st_size for path in files) // 1024,
        depends=", ".join(depends(release)),
    )
    place(stage / "DEBIAN/control", control.encode())
    place(stage / "DEBIAN/md5sums", "".join(sums).encode())
    place(stage / "DEBIAN/conffiles", b"/etc/respd/respd.conf\n")
    for script in ("postinst", "prerm", "postrm"):
        place(stage / "DEBIAN" / script, (SOURCE / script).read_bytes(), 0o755)
    for path in stage.rglob("*"):
        os.utime(path, (release.time, release.time))
    package = OUT / f"respd_{release.version}-1_{architecture}.deb"
    run("dpkg-deb", "--root-owner-group", "--build", stage, package)
    return package


def place(path, data, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def compressed(text):
    return gzip.compress(text.encode(), 9, mtime=0)


def depends(release):
    """The packages that have the libraries which the binary loads, and what the scripts of the package call."""
    found = set()
    for library in release.libraries():
        # A package may list its files from before /lib became a link.
        for path in (library, library.resolve(), str(library).removeprefix("/usr")):
            owner = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
            if owner.returncode == 0:
                found.add(owner.stdout.split(":")[0])
                break
        else:
            raise Broken(f"the binary loads {library}, which is in no package")
    needed = release.glibc()
    named = {"libc6": f"libc6 (>= {needed[0]}.{needed[1]})"} if needed else {}
    return [named.get(name, name) for name in sorted(found)] + ["adduser", "init-system-helpers (>= 1.54)"]


def maintainer():
    """As Debian's tools take it from the environment; by itself, who has made the commit's version."""
    name = os.environ.get("DEBFULLNAME", "The respd authors")
    address = os.environ.get("DEBEMAIL") or run("git", "log", "-1", "--format=%ae", cwd=ROOT).strip()
    return f"{name} <{address}>"


def changelog(release):
    date = formatdate(release.time)
    return (
        f"respd ({release.version}-1) unstable; urgency=medium\n\n"
        f"  * Release {release.version}: see changelog.gz.\n\n"
        f" -- {maintainer()}  {date}\n"
    )


def prove(release, package, debootstrap=False):
    """Installs it, uses it, removes and purges it, where nothing of this machine changes."""
    told = [lint(package)]
    if os.geteuid() != 0:
        raise Skipped("root may install packages; to try the .deb: sudo scripts/package deb")
    lower = new_debian() if debootstrap else "/"
    scratch = fresh(OUT / "try-deb")
    command = ["unshare", "--mount", "--pid", "--fork", "bash", SOURCE / "tests/elsewhere", lower, scratch, package]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode == NO_PLACE:
        raise Skipped(f"this machine does not give it a root of its own: {done.stdout.strip()}")
    expect(done.returncode == 0, done.stdout.rstrip())
    told.append(done.stdout.strip().splitlines()[-1])
    return ", ".join(told)


def lint(package):
    """What Debian's own checker thinks of it, where it is installed."""
    if shutil.which("lintian") is None:
        return "lintian is not installed"
    overridden = [line for line in (SOURCE / "lintian").read_text().splitlines() if line and not line.startswith("#")]
    command = ["lintian", "--fail-on", "error,warning", "--suppress-tags", ",".join(overridden), package]
    if os.geteuid() == 0:
        command.insert(1, "--allow-root")
    run(*command)
    return "lintian has nothing to say"


def new_debian():
    """A Debian of this machine's edition, as it is installed first. It is kept."""
    root = OUT / "debian"
    if (root / "var/lib/dpkg/status").exists() and not (root / "debootstrap").exists():
        return root
    if shutil.which("debootstrap") is None:
        raise Skipped("there is no debootstrap; to install it: apt-get install debootstrap")
    edition = re.search(r"^VERSION_CODENAME=(\w+)", open("/etc/os-release").read(), re.MULTILINE)
    expect(edition, "/etc/os-release names no edition")
    fresh(root)
    run("debootstrap", "--variant=minbase", "--include=adduser", edition[1], root)
    return root
