"""The kinds of package, a file each.

A kind is a module with `NAME`; `lacks()`, which says what the machine has not, or None; `build(release)`, which
writes the package into `target/package/` and returns its path; and `prove(release, package)`, which installs it in
a clean place and uses it there as its first user would. Both raise `Broken` where something is not as it should be.
"""
