"""The wheel: the binary, and the Python module `respd` with its fixtures for pytest.

A wheel is a zip with three files of its own, so nothing but Python's standard library builds it. Everything in it
but the binary is `packaging/python/`.
"""

import base64
import hashlib
import shutil
import sys
import time
import zipfile

from .release import OUT, PACKAGING, ROOT, Broken, Skipped, expect, fresh, run

NAME = "wheel"
SOURCE = PACKAGING / "python"


def lacks():
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return "Python's venv; to install it: apt-get install python3-venv"
    return None


def tag(release):
    """The platforms that it runs on: those with the binary's glibc or a later one."""
    needed = release.glibc()
    if needed is None:
        return f"py3-none-manylinux2014_{release.machine}.musllinux_1_1_{release.machine}"
    return f"py3-none-manylinux_{needed[0]}_{needed[1]}_{release.machine}"


def metadata(release):
    fields = {
        "Metadata-Version": "2.1",
        "Name": "respd",
        "Version": release.version,
        "Summary": release.description,
        "License": release.licence,
        "Keywords": "redis,valkey,resp,server,testing",
        "Requires-Python": ">=3.9",
        "Description-Content-Type": "text/markdown",
    }
    several = [
        ("Classifier", "Framework :: Pytest"),
        ("Classifier", "License :: OSI Approved :: MIT License"),
        ("Classifier", "Operating System :: POSIX :: Linux"),
        ("Classifier", "Typing :: Typed"),
        ("Provides-Extra", "redis"),
        ("Requires-Dist", 'redis; extra == "redis"'),
        ("License-File", "LICENSE"),
    ]
    lines = [f"{name}: {value}" for name, value in (*fields.items(), *several)]
    return "\n".join(lines) + "\n\n" + (SOURCE / "README.md").read_text()


def contents(release):
    """Every file but RECORD: its name in the wheel, its bytes and its mode."""
    info = f"respd-{release.version}.dist-info"
    for path in sorted((SOURCE / "respd").iterdir()):
        if path.suffix in (".py", ".typed"):
            yield f"respd/{path.name}", path.read_bytes(), 0o644
    yield f"respd-{release.version}.data/scripts/respd", release.binary.read_bytes(), 0o755
    yield f"{info}/METADATA", metadata(release).encode(), 0o644
    wheel = ["Wheel-Version: 1.0", "Generator: scripts/package", "Root-Is-Purelib: false"]
    interpreter, abi, platforms = tag(release).split("-")
    wheel += [f"Tag: {interpreter}-{abi}-{platform}" for platform in platforms.split(".")]
    yield f"{info}/WHEEL", ("\n".join(wheel) + "\n").encode(), 0o644
    yield f"{info}/entry_points.txt", b"[pytest11]\nrespd = respd.pytest_plugin\n", 0o644
    yield f"{info}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes(), 0o644


def build(release):
    path = OUT / f"respd-{release.version}-{tag(release)}.whl"
    record = f"respd-{release.version}.dist-info/RECORD"
    lines = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name, data, mode):
            entry = zipfile.ZipInfo(name, time.gmtime(release.time)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, data)

        for name, data, mode in contents(release):
            add(name, data, mode)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(data)}\n")
        add(record, "".join([*lines, f"{record},,\n"]).encode(), 0o644)
    return path


def prove(release, wheel):
    """Installs it into a new virtual environment, where its tests run by pytest and redis-py."""
    tools = installers()
    place = fresh(OUT / "try-wheel")
    environment = place / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    pip = [tools / "venv/bin/python", "-m", "pip", "--disable-pip-version-check", "--python", environment / "bin/python"]
    run(*pip, "install", "--quiet", "--no-index", "--find-links", tools / "wheels", f"{wheel}[redis]", "pytest")
    said = run(environment / "bin/respd", "--version")
    expect(release.version in said, f"the installed respd says {said}")
    for test in (SOURCE / "tests").glob("*.py"):
        shutil.copy(test, place)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    outcome = run(environment / "bin/python", "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", place, cwd=place, env=clean)
    passed = outcome.strip().splitlines()[-1]
    run(*pip, "uninstall", "--quiet", "--yes", "respd")
    expect(not (environment / "bin/respd").exists(), "the binary stays when the wheel is uninstalled")
    return passed.strip("= ")


def installers():
    """A pip that installs into other environments, and pytest and redis-py to install. Made once, with a network."""
    tools, pinned = OUT / "python-tools", PACKAGING / "python/tests/requirements.txt"
    mark = tools / "requirements.txt"
    if mark.exists() and mark.read_text() == pinned.read_text():
        return tools
    fresh(tools)
    run(sys.executable, "-m", "venv", tools / "venv")
    try:
        run(tools / "venv/bin/pip", "--disable-pip-version-check", "download", "--quiet", "--dest", tools / "wheels", "-r", pinned)
    except Broken as error:
        raise Skipped(f"pip cannot fetch what {pinned.name} pins, without a network perhaps: {error}") from error
    shutil.copy(pinned, mark)
    return tools
