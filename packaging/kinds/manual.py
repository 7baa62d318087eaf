"""The man pages: respd(1), which is written by hand, and respd.conf(5), which the binary's directives make."""

import re
import shutil
import subprocess
import time
from textwrap import dedent

from .release import PACKAGING, Broken, expect, run

# A line of `--print-config` that is a directive with its default, or would be without the mark of a comment.
DIRECTIVE = re.compile(r"^#?([a-z][a-z0-9-]*)(?: (.*))?$")


def pages(release):
    """Each page, by its name. What they say is held to what the binary has."""
    written = (PACKAGING / "man/respd.1").read_text()
    plain = written.replace("Fl Fl ", "--").replace("Fl ", "-")
    for flag in flags(release):
        expect(f"{flag} " in plain.replace("\n", " "), f"respd.1 does not have the option {flag}")
    date = time.strftime("%B %-d, %Y", time.gmtime(release.time))
    found = {"respd.1": written.replace("@DATE@", date), "respd.conf.5": configuration(release, date)}
    for name, page in found.items():
        check(name, page)
    return found


def flags(release):
    """The options of the binary that are no directive, as its help has them at the beginnings of lines."""
    lines = run(release.binary, "--help").splitlines()
    found = re.findall(r"--[a-z-]+|(?<![\w-])-[a-z]\b", "\n".join(line for line in lines if line.lstrip().startswith("-")))
    return sorted(set(found) - {f"--{name}" for name, _, _ in directives(release)})


def directives(release):
    """Every directive: its name, its default and what it means, as `--print-config` has them."""
    found, said = [], []
    for line in run(release.binary, "--print-config").splitlines():
        directive = DIRECTIVE.match(line)
        if directive:
            found.append((directive[1], directive[2] or "", " ".join(said)))
            said = []
        elif line.startswith("# "):
            said.append(line[2:].strip())
        else:
            said = []
    expect(len(found) > 100, f"--print-config shows {len(found)} directives")
    return found


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    # A line that begins so would be a macro.
    return "\\&" + text if text[:1] in (".", "'") else text


def configuration(release, date):
    """respd.conf(5)."""
    page = dedent(f"""\
        .Dd {date}
        .Dt RESPD.CONF 5
        .Os
        .Sh NAME
        .Nm respd.conf
        .Nd configuration file of respd
        .Sh DESCRIPTION
        A line is a directive: its name, and one word or several, which may be in quotes.
        Lines that begin with
        .Sq #
        are comments, and
        .Ql include
        reads another file.
        The directives of Redis and Valkey are known; those that ask for what respd has not are refused, with the reason.
        .Pp
        The directives are as follows, with their defaults:
        .Bl -tag -width Ds
        """)
    for name, default, about in directives(release):
        shown = f" {escaped(default)}" if default else ""
        page += f".It Ic {escaped(name)}{shown}\n{escaped(about)}\n"
    return page + ".El\n.Sh SEE ALSO\n.Xr respd 1\n"


def check(name, page):
    """What a formatter warns of is a mistake."""
    if shutil.which("mandoc"):
        command = ["mandoc", "-T", "lint", "-W", "warning"]
    elif shutil.which("groff"):
        command = ["groff", "-man", "-mdoc", "-ww", "-z"]
    else:
        return
    done = subprocess.run(command, input=page, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 or done.stdout.strip():
        raise Broken(f"{name}: {done.stdout.rstrip()}")
