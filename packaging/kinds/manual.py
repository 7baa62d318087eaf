"""The man pages: respd(1), which is written by hand, and respd.conf(5), which the binary's directives make."""

import itertools
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from textwrap import dedent

from .release import PACKAGING, Broken, expect, run

# A line of `--print-config` that is a directive with its default, or would be without the mark of a comment.
DIRECTIVE = re.compile(r"^#?([a-z][a-z0-9-]*)(?: (.*))?$")
SECTION = re.compile(r"^# -+ (.*) -+$")


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
    lines = [line for line in run(release.binary, "--help").splitlines() if line.lstrip().startswith("-")]
    found = re.findall(r"(?<![\w-])(?:--[a-z][a-z-]+|-[a-z]\b)", "\n".join(lines))
    return sorted(set(found) - {f"--{directive.name}" for directive in directives(release)})


@dataclass(frozen=True)
class Directive:
    """A row of the binary's table, as `--print-config` has it."""

    section: str
    name: str
    default: str
    about: str


def directives(release):
    """Every directive, section by section.

    A line `# ---- SECTION ----` begins a section. Lines `# TEXT` say what the directive means that follows, which is
    `#NAME DEFAULT`.
    """
    found, section, said = [], "", []
    for line in run(release.binary, "--print-config").splitlines():
        heading, directive = SECTION.match(line), DIRECTIVE.match(line)
        if heading:
            section = heading[1]
        elif directive:
            found.append(Directive(section, directive[1], directive[2] or "", " ".join(said)))
        said = [*said, line[2:].strip()] if line.startswith("# ") and not heading else []
    expect(len(found) > 50, f"--print-config shows {len(found)} directives")
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
        .Ql include Ar file
        reads another file.
        A line
        .Ql user Ar name rule ...
        declares a user, in the words of
        .Ql ACL SETUSER .
        The directives of Redis and Valkey are known; those that ask for what respd has not are refused, with the reason.
        .Sh DIRECTIVES
        Each with its default.
        """)
    for section, rows in itertools.groupby(directives(release), lambda directive: directive.section):
        page += f".Ss {escaped(section)}\n.Bl -tag -width Ds\n"
        for row in rows:
            shown = f" No {escaped(row.default)}" if row.default else ""
            page += f".It Ic {escaped(row.name)}{shown}\n{sentences(row.about)}\n"
        page += ".El\n"
    return page + ".Sh SEE ALSO\n.Xr respd 1\n"


def sentences(text):
    """A sentence a line, as the language of man pages wants it."""
    return "\n".join(escaped(sentence) for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", text))


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
