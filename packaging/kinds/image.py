"""The image for containers, from scratch: the binary, the libraries that it loads, and an entry point.

It is an OCI layout in a tar file, which is a few JSON files and a layer, with the manifest that older Docker engines
read beside them. No engine is needed to build it; one that answers runs it, and a chroot does otherwise.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import time

from . import server
from .release import OUT, PACKAGING, ROOT, Broken, Skipped, expect, fresh, run

NAME = "image"
# Not root, and no user of the host: the number is that of distroless images.
USER = 65532
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# What is run in place of the image's own arguments, and whether the server asks for a password then.
FORMS = (
    ((), False),
    (("--requirepass", "sesame"), True),
    (("redis-server", "--save", ""), False),
    (("/usr/share/doc/respd/examples/users.conf", "--maxmemory", "10mb"), False),
    (("valkey-server", "/usr/share/doc/respd/examples/users.conf"), False),
)


def lacks():
    return None if shutil.which("rustc") else "rustc, for the entry point"


def build(release):
    path = OUT / f"respd-{release.version}-{release.machine}.oci.tar"
    layer = layer_of(release)
    blobs = {}

    def blob(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    def as_json(value):
        return json.dumps(value, separators=(",", ":")).encode()

    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(release.time))
    labels = {
        "org.opencontainers.image.title": "respd",
        "org.opencontainers.image.description": release.description,
        "org.opencontainers.image.version": release.version,
        "org.opencontainers.image.licenses": release.licence,
    }
    config = blob(
        as_json({
            "created": created,
            "architecture": ARCHITECTURES.get(release.machine, release.machine),
            "os": "linux",
            "config": {
                "User": f"{USER}:{USER}",
                "ExposedPorts": {"6379/tcp": {}},
                "Entrypoint": ["/usr/bin/respd-entrypoint"],
                "Volumes": {"/data": {}},
                "WorkingDir": "/data",
                "Env": ["PATH=/usr/bin"],
                "Labels": labels,
                "StopSignal": "SIGTERM",
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
            "history": [{"created": created, "created_by": "scripts/package"}],
        }),
        "config.v1+json",
    )
    packed = blob(gzip.compress(layer, 9, mtime=0), "layer.v1.tar+gzip")
    manifest = blob(
        as_json({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": [packed],
        }),
        "manifest.v1+json",
    )
    name = f"respd:{release.version}"
    manifest["annotations"] = {"org.opencontainers.image.ref.name": release.version, "io.containerd.image.name": f"docker.io/library/{name}"}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest]}

    def file_of(described):
        return "blobs/sha256/" + described["digest"].removeprefix("sha256:")

    docker = [{"Config": file_of(config), "RepoTags": [name], "Layers": [file_of(packed)]}]
    files = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"}), "index.json": as_json(index), "manifest.json": as_json(docker)}
    with tarfile.open(path, "w") as archive:
        for at, data in (files | blobs).items():
            add(archive, release, at, data)
    return path


def layer_of(release):
    """The files of the image, as a tar that is the same whenever it is made."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for folder in ("data", "etc", "tmp", "usr/bin", "usr/share/doc/respd/examples"):
            add(archive, release, folder, None, mode=0o1777 if folder == "tmp" else 0o755, user=USER if folder == "data" else 0)
        add(archive, release, "etc/passwd", f"root:x:0:0::/:\nrespd:x:{USER}:{USER}::/data:\n".encode())
        add(archive, release, "etc/group", f"root:x:0:\nrespd:x:{USER}:\n".encode())
        add(archive, release, "usr/bin/respd", release.binary.read_bytes(), 0o755)
        add(archive, release, "usr/bin/respd-entrypoint", entrypoint(release).read_bytes(), 0o755)
        for library in release.libraries():
            # Where the binary looks for it; a link leads elsewhere here perhaps, and not there.
            add(archive, release, str(library).lstrip("/"), library.read_bytes(), 0o755)
        for package in ("libc6", "libgcc-s1"):
            licence = f"/usr/share/doc/{package}/copyright"
            if release.libraries() and os.path.exists(licence):
                add(archive, release, licence.lstrip("/"), open(licence, "rb").read())
        add(archive, release, "usr/share/doc/respd/copyright", (ROOT / "LICENSE").read_bytes())
        add(archive, release, "usr/share/doc/respd/examples/users.conf", (ROOT / "examples/users.conf").read_bytes())
    return made.getvalue()


def add(archive, release, name, data, mode=0o644, user=0):
    """Adds a file, or a folder where there is no data."""
    entry = tarfile.TarInfo(name)
    entry.mtime, entry.mode, entry.uid, entry.gid = release.time, mode, user, user
    if data is None:
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
    else:
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))


def entrypoint(release):
    """What takes the place of a shell script, for there is no shell: a second to compile."""
    made = OUT / "binary/respd-entrypoint"
    # A named target, for else the option would count for what runs while it is compiled, too.
    target = f"{release.machine}-unknown-linux-gnu"
    options = ["--edition", "2024", "--target", target, "-C", "target-feature=+crt-static"]
    small = ["-C", "opt-level=s", "-C", "panic=abort", "-C", "strip=symbols", "-D", "warnings"]
    run("rustc", *options, *small, "-o", made, PACKAGING / "image/entrypoint.rs")
    return made


def prove(release, image):
    """Runs it as its users would, in each form."""
    engine, place = None, "a chroot, for there is no engine here"
    for name in ("docker", "podman"):
        if shutil.which(name):
            try:
                run(name, "load", "--input", image)
                run(name, "run", "--rm", f"respd:{release.version}", "--version")
                engine, place = name, name
                break
            except Broken as error:
                # An image that is broken fails below, too.
                place = f"a chroot, for {name} runs nothing here: {str(error).splitlines()[-1]}"
    runs = (lambda words: container(engine, release, words)) if engine else in_a_chroot(image)
    for words, guarded in FORMS:
        with runs(words) as address:
            reply = server.reachable(address)
            wanted = "-NOAUTH" if guarded else "+PONG"
            expect(reply.startswith(wanted), f"{' '.join(words) or 'without arguments'}: PING gets {reply}")
            if not words:
                saved = server.asked(address, b"SAVE\r\n")
                expect(saved == "+OK", f"its volume is not the server's to write: SAVE gets {saved}")
    return f"{len(FORMS)} command lines in {place}"


@contextlib.contextmanager
def container(engine, release, words):
    """A container of the image; gives the address at which it is reached."""
    name = run(engine, "run", "--detach", "--publish", "127.0.0.1::6379", f"respd:{release.version}", *words).split()[-1]
    try:
        yield run(engine, "port", name, "6379/tcp").split()[0]
    except (Broken, OSError) as error:
        raise Broken(f"{error}\n{run(engine, 'logs', name)}") from error
    finally:
        run(engine, "rm", "--force", "--volumes", name)


def in_a_chroot(image):
    """What an engine does with an image, as far as it matters here."""
    if os.geteuid() != 0:
        raise Skipped("neither docker nor podman runs here, and a chroot is for root; to try the image: sudo scripts/package image")
    root, config = unpacked(image)

    @contextlib.contextmanager
    def runs(words):
        command = ["env", "--ignore-environment", *config["Env"], shutil.which("chroot") or "/usr/sbin/chroot", f"--userspec={config['User']}", root]
        with server.started(*command, *config["Entrypoint"], *words) as ready:
            yield ready["tcp"]

    return runs


def unpacked(image):
    """The files of the image, and its configuration. Every digest is held to its blob."""
    root = fresh(OUT / "try-image")
    with tarfile.open(image) as archive:

        def blob(described):
            data = archive.extractfile("blobs/" + described["digest"].replace(":", "/")).read()
            expect(len(data) == described["size"], f"{described['digest']} has another size")
            expect(f"sha256:{hashlib.sha256(data).hexdigest()}" == described["digest"], f"{described['digest']} is another")
            return data

        index = json.loads(archive.extractfile("index.json").read())
        manifest = json.loads(blob(index["manifests"][0]))
        config = json.loads(blob(manifest["config"]))
        for layer, digest in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
            plain = gzip.decompress(blob(layer))
            expect(f"sha256:{hashlib.sha256(plain).hexdigest()}" == digest, f"{digest} is another layer")
            with tarfile.open(fileobj=io.BytesIO(plain)) as files:
                files.extractall(root, numeric_owner=True, filter="fully_trusted")
    return root, config["config"]
