//! The configuration file: read with what it includes, and written again by CONFIG REWRITE.
//!
//! What its lines say is for [`crate::config`].

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::replace::replace_file;
use crate::config::{
    BAD_DIRECTIVE, Config, Includes, LoadError, LoadErrors, Place, Reason, has_wildcard,
};
use crate::text::glob;

impl Config {
    /// The defaults, changed by the file at `path`.
    pub fn load(path: &Path) -> Result<Config, LoadErrors> {
        let mut config = Config::default();
        config.load_file(path)?;
        Ok(config)
    }

    /// Changes this configuration by the file at `path`. What is wrong is left out, and all told: after an error it is
    /// good for looking what else is wrong.
    pub fn load_file(&mut self, path: &Path) -> Result<(), LoadErrors> {
        let text = fs::read(path)
            .map_err(|error| format!("cannot read the configuration file: {error}"))
            .map_err(|reason| LoadError::new(Place::File(path.to_owned()), "", reason))?;
        self.load_text(path, &text)
    }

    /// Likewise by a text as a file has it, what came on standard input, say. `name` is what errors call the file.
    pub fn load_text(&mut self, name: &Path, text: &[u8]) -> Result<(), LoadErrors> {
        self.read_file(name, text, &Disk)
    }

    /// Likewise by the files that `pattern` names: `--include PATTERN`.
    pub fn load_included(&mut self, pattern: &[u8]) -> Result<(), LoadErrors> {
        self.read_included(pattern, &Disk)
    }

    /// Writes this configuration to the file at `path`, which keeps its mode, in one step: a reader sees the
    /// old content or the new one, also after a crash.
    pub(crate) fn rewrite(&self, path: &Path) -> io::Result<()> {
        // A link stays a link, and what it leads to is replaced.
        let (path, original) = match fs::canonicalize(path) {
            Ok(path) => (path.clone(), super::read(&path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), Vec::new()),
            Err(error) => return Err(error),
        };
        let text = self.rewritten(&path, &original, &Disk).map_err(|errors| {
            // The reply is one line, and so is its reason.
            io::Error::other(errors.iter().map(LoadError::to_string).collect::<Vec<_>>().join("; "))
        })?;
        replace_file(&path, &text)
    }
}

/// The files of the machine.
struct Disk;

impl Includes for Disk {
    fn named(&self, pattern: &[u8]) -> Result<Vec<PathBuf>, Reason> {
        let path = Path::new(OsStr::from_bytes(pattern));
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(BAD_DIRECTIVE.into());
        };
        if !has_wildcard(name.as_bytes()) {
            return Ok(vec![path.to_owned()]);
        }
        let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match matching(listed, name.as_bytes()) {
            Ok(names) => Ok(names.into_iter().map(|name| folder.join(name)).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(format!("{}: {error}", listed.display()).into()),
        }
    }

    fn read(&self, file: &Path) -> Result<Vec<u8>, Reason> {
        fs::read(file).map_err(|error| format!("{}: {error}", file.display()).into())
    }
}

/// The names in `folder` that match `pattern`. As in a shell, hidden ones must be asked for.
fn matching(folder: &Path, pattern: &[u8]) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let bytes = name.as_bytes();
        if glob::matches(pattern, bytes) && bytes.starts_with(b".") <= pattern.starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;
    use crate::config::UserLine;
    use crate::files::replace::NEW_FILE_MODE;

    /// An empty folder, which goes when the test does.
    pub(crate) struct Folder(PathBuf);

    impl Folder {
        pub(crate) fn new(test: &str) -> Folder {
            let name = format!("respd-config-{}-{test}", std::process::id());
            let folder = Folder(std::env::temp_dir().join(name));
            fs::create_dir_all(&folder.0).unwrap();
            folder
        }

        /// Writes a file. `@` in its text stands for the folder, because includes are not relative to it.
        pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text.replace('@', self.0.to_str().unwrap())).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn include_reads_a_file_at_that_point() {
        let folder = Folder::new("include");
        folder.file("second.conf", "timeout 2\nhz 2\ninclude \"@/third.conf\"\n");
        folder.file("third.conf", "maxclients 3\n");
        let path = folder.file("first.conf", "timeout 1\ninclude \"@/second.conf\"\nhz 1\n");
        let config = Config::load(&path).unwrap();
        assert_eq!((config.timeout, config.hz, config.maxclients), (2, 1, 3));
    }

    #[test]
    fn include_takes_a_pattern_that_may_match_nothing() {
        let folder = Folder::new("pattern");
        folder.file("2.part", "timeout 2\n");
        folder.file("1.part", "timeout 1\nhz 1\n");
        folder.file(".hidden.part", "hz 100\n");
        let text = "include \"@/*.part\"\ninclude \"@/*.none\"\ninclude \"@/none/*.part\"\n";
        let config = Config::load(&folder.file("all.conf", text)).unwrap();
        assert_eq!((config.timeout, config.hz), (2, 1));
    }

    #[test]
    fn an_include_that_cannot_be_read_is_an_error_at_its_line() {
        let folder = Folder::new("missing");
        let path = folder.file("first.conf", "\ninclude \"@/nosuch.conf\"\n");
        let error = Config::load(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:2: 'include ", path.display())), "{error}");
        assert!(error.contains("No such file"), "{error}");

        let wrong = folder.file("wrong.conf", "\n\ntimeout x\n");
        let path = folder.file("outer.conf", "include \"@/wrong.conf\"\n");
        let error = Config::load(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:3: ", wrong.display())), "{error}");

        let error = Config::load(&folder.0.join("nosuch.conf")).unwrap_err().to_string();
        let told = "nosuch.conf: cannot read the configuration file: No such file";
        assert!(error.contains(told), "{error}");
    }

    #[test]
    fn a_file_that_includes_itself_is_an_error() {
        let folder = Folder::new("cycle");
        let path = folder.file("self.conf", "include \"@/self.conf\"\n");
        let error = Config::load(&path).unwrap_err().to_string();
        assert!(error.ends_with("more than 16 files deep"), "{error}");
    }

    #[test]
    fn an_included_value_is_overruled_at_the_end() {
        let folder = Folder::new("overruled");
        let included = folder.file("included.conf", "hz 20\ntimeout 3\n");
        let path = folder.file("main.conf", "hz 30\ninclude \"@/included.conf\"\n");
        let mut config = Config::load(&path).unwrap();
        config.apply_option("hz", "10").unwrap();
        config.rewrite(&path).unwrap();
        assert_eq!(Config::load(&path), Ok(config.clone()));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("hz 10\ninclude "), "{text}");
        assert!(text.ends_with("REWRITE\nhz 10\n"), "{text}");
        assert_eq!(fs::read_to_string(included).unwrap(), "hz 20\ntimeout 3\n");
    }

    #[test]
    fn a_file_that_would_load_as_something_else_is_not_written() {
        let folder = Folder::new("refused");
        folder.file("included.conf", "user bob on\n");
        let path = folder.file("main.conf", "include \"@/included.conf\"\n");
        let before = fs::read(&path).unwrap();
        let mut config = Config::load(&path).unwrap();
        config.users.clear();
        assert!(config.rewrite(&path).is_err());
        config.users = vec![UserLine::new(&[b"bob", b"off"], Place::CommandLine).unwrap()];
        assert!(config.rewrite(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn the_mode_stays_and_nothing_is_left_behind() {
        let folder = Folder::new("mode");
        let path = folder.file("main.conf", "hz 20\n");
        let entries = || fs::read_dir(path.parent().unwrap()).unwrap().count();
        for mode in [0o600, 0o640, 0o444] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            Config::default().rewrite(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, mode);
            assert_eq!(entries(), 1);
        }
        fs::remove_file(&path).unwrap();
        Config { hz: 20, ..Config::default() }.rewrite(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, NEW_FILE_MODE);
        assert_eq!(Config::load(&path).unwrap().hz, 20);
    }

    #[test]
    fn a_link_to_the_file_stays_a_link() {
        let folder = Folder::new("link");
        let path = folder.file("main.conf", "hz 20\n");
        let link = path.with_file_name("link.conf");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        Config::default().rewrite(&link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "hz 10\n");
    }
}
