"""The crate, as `cargo publish` would send it."""

import re
import tarfile

from .release import OUT, ROOT, Broken, expect, run

NAME = "crate"

# What cargo warns of, and is so on purpose.
MEANT = (
    # There is no address of the project that would be true.
    r"warning: manifest has no documentation, homepage or repository",
    # Tests hold documents and scripts to the code, and stay with them.
    r"warning: ignoring test `\w+` as `tests/\w+/main.rs` is not included",
)
# What a crate of ours must have, and what it must not.
NEEDED = ("src/lib.rs", "README.md", "LICENSE", "CHANGELOG.md", "Cargo.lock", "examples/counter.rs", "docs/embedding.md")
FOREIGN = re.compile(r"(^|/)(node_modules|target|tests/clients|scripts|packaging|fuzz|\.ci)(/|$)")
# crates.io takes 10 MiB; ours is far below, and something is wrong if it grows by much.
MOST_BYTES = 2 << 20


def lacks():
    return None


def build(release, verify=False):
    command = ["cargo", "package", "--offline", "--allow-dirty"]
    said = run(*command, *([] if verify else ["--no-verify"]), cwd=ROOT)
    for line in said.splitlines():
        if line.lstrip().startswith(("warning", "error")) and not any(re.match(meant, line) for meant in MEANT):
            raise Broken(f"cargo package: {line}")
    return OUT / f"respd-{release.version}.crate"


def prove(release, crate):
    """Looks at what is in it. Whether it compiles is seen by `--verify`, which takes minutes."""
    expect(crate.stat().st_size < MOST_BYTES, f"{crate.name} has {crate.stat().st_size} bytes")
    with tarfile.open(crate) as archive:
        prefix = f"respd-{release.version}/"
        names = [name.removeprefix(prefix) for name in archive.getnames()]
        manifest = archive.extractfile(prefix + "Cargo.toml").read().decode()
        main = re.search(r'\[\[bin\]\]\nname = "respd"\npath = "(.*)"', manifest)
    expect(main, f"{crate.name} has no binary")
    for needed in (*NEEDED, main[1]):
        expect(needed in names, f"{crate.name} lacks {needed}")
    # What the code includes as it is compiled has to come with it.
    for source in ROOT.glob("src/**/*.rs"):
        for included in re.findall(r'include_(?:str|bytes)!\("(.+?)"\)', source.read_text()):
            path = (source.parent / included).resolve().relative_to(ROOT)
            expect(str(path) in names, f"{crate.name} lacks {path}, which {source.name} includes")
    for name in names:
        expect(not FOREIGN.search(name), f"{crate.name} has {name}, which does not belong there")
    return f"{len(names)} files"
