"""Completions for bash, zsh and fish, made of the binary's options and directives."""

import shutil

from . import manual
from .release import OUT, expect, fresh, run

BASH = """\
# bash completion for respd(1)

_respd()
{{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local directives='{directives}'
    COMPREPLY=()
    if [[ $before == -o || $before == --option ]]; then
        mapfile -t COMPREPLY < <(compgen -S = -W "$directives" -- "$current")
        compopt -o nospace
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "{flags} $(printf -- '--%s ' $directives)" -- "$current")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}} &&
complete -F _respd respd
"""

def files(release):
    """Each file, by where it is installed."""
    # The first section has those that do something.
    rows = manual.directives(release)
    told = [(row.name, row.about.split(". ")[0].rstrip(".")) for row in rows if row.section == rows[0].section]
    flags = manual.flags(release)
    found = {
        "usr/share/bash-completion/completions/respd": bash(told, flags),
        "usr/share/zsh/vendor-completions/_respd": zsh(told, flags),
        "usr/share/fish/vendor_completions.d/respd.fish": fish(told, flags),
    }
    check(found)
    return found


def bash(told, flags):
    return BASH.format(directives=" ".join(name for name, _ in told), flags=" ".join(flags))


def quoted(text):
    """A word in single quotes, as all three shells read it."""
    return "'" + text.replace("\\", "").replace("'", "’") + "'"


def zsh(told, flags):
    lines = [f"_arguments -s -S \\"]
    for flag in flags:
        lines.append(f"    {quoted(flag)} \\")
    for name, about in told:
        meaning = about.replace("[", "(").replace("]", ")").replace(":", "\\:")
        lines.append("    " + "'" + f"--{name}[{meaning}]:value:_files".replace("'", "’") + "' \\")
    return "#compdef respd\n# zsh completion for respd(1)\n\n" + "\n".join(lines) + "\n    '*:file:_files'\n"


def fish(told, flags):
    lines = ["# fish completion for respd(1)", ""]
    for flag in flags:
        lines.append(f"complete -c respd -l {flag[2:]}" if flag.startswith("--") else f"complete -c respd -s {flag[1:]}")
    for name, about in told:
        lines.append(f"complete -c respd -l {name} -r -d {quoted(about)}")
    return "\n".join(lines) + "\n"


def check(found):
    """Has each shell that is here complete a directive and an option."""
    folder = fresh(OUT / "completions")
    paths = {}
    for path, text in found.items():
        shell = path.split("/")[2].split("-")[0]
        paths[shell] = folder / shell
        paths[shell].write_text(text)
    told = {}
    told["bash"] = run(
        "bash", "-c", 'source "$1"; for word in --maxmemory-s --chec; do COMP_WORDS=(respd "$word") COMP_CWORD=1; _respd; '
        'echo "${COMPREPLY[@]}"; done', "bash", paths["bash"],
    )
    if shutil.which("fish"):
        told["fish"] = run("fish", "--no-config", "-c", 'source $argv[1]; complete -C "respd --maxmemory-s"; complete -C "respd --chec"', paths["fish"])
    if shutil.which("zsh"):
        run("zsh", "-n", paths["zsh"])
    for shell, words in told.items():
        for word in ("--maxmemory-samples", "--check"):
            expect(word in words, f"{shell} does not complete {word}: {words}")
