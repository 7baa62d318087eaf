//! A configuration file of comments alone: every directive, what it means, its default, and what respd does with it.

use super::directive::{Class, Directive};
use super::file_only::{FILE_ONLY, Fate};
use super::settings::Config;
use super::table;

/// The text that `--print-config` prints. As a file it changes nothing; a line counts when its `#` is taken away.
pub fn commented() -> String {
    // The program has a folder in any case; it is the one where it is started.
    let config = Config { dir: Some("./".into()), ..Config::default() };
    let mut rows: Vec<&Directive> = table::all().collect();
    rows.sort_unstable_by_key(|row| row.name);
    let mut text = String::from(
        "# The directives of respd with their defaults. Take away the '#' before a name to change its value.\n",
    );
    section(&mut text, "What has an effect", &config, &rows, |class| class == Class::Effective);
    text += "\n# ---- What stands in files only ----\n";
    for line in FILE_ONLY {
        text += &format!("\n# {}\n", line.about);
        match line.fate {
            Fate::Read => {}
            Fate::Ignored => text += "# No effect: the reference ignores it, too.\n",
            Fate::Refused(reason) => text += &format!("# Refused: {reason}.\n"),
        }
        text += &format!("#{}\n", line.synopsis);
    }
    section(&mut text, "What can have one value only", &config, &rows, |class| {
        matches!(class, Class::Fixed(_))
    });
    section(&mut text, "What is accepted, shown, and has no effect", &config, &rows, |class| {
        matches!(class, Class::Unused(_))
    });
    text
}

fn section(
    text: &mut String,
    title: &str,
    config: &Config,
    rows: &[&Directive],
    belongs: impl Fn(Class) -> bool,
) {
    *text += &format!("\n# ---- {title} ----\n");
    for row in rows.iter().filter(|row| belongs(row.class)) {
        *text += &format!("\n# {}\n", row.about);
        match row.class {
            Class::Effective => {}
            Class::Fixed(reason) => *text += &format!("# Nothing else: {reason}.\n"),
            Class::Unused(reason) => *text += &format!("# No effect: {reason}.\n"),
        }
        if let Some(alias) = row.alias {
            *text += &format!("# Also called {alias}.\n");
        }
        *text += &format!("#{}\n", String::from_utf8_lossy(&row.line(config)));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::file::tests::NoFiles;

    #[test]
    fn every_line_that_is_uncommented_says_what_is_so_anyway() {
        let text = commented();
        let parse = |text: &str| Config::parse(Path::new("x"), text.as_bytes(), &NoFiles);
        assert_eq!(parse(&text), Ok(Config::default()));
        let lines = text.lines().filter_map(|line| line.strip_prefix('#'));
        let is_file_only = |line: &&str| FILE_ONLY.iter().any(|only| only.synopsis == *line);
        let lines: Vec<_> = lines
            .filter(|line| !line.starts_with(' ') && !line.is_empty() && !is_file_only(line))
            .collect();
        assert_eq!(lines.len(), table::all().count());
        let here = std::env::current_dir().unwrap();
        let expected = Config { dir: Some(here), ..Config::default() };
        assert_eq!(parse(&lines.join("\n")), Ok(expected));
    }
}
