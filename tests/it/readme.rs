//! The parts of README.md that are written from the code.

use std::sync::Mutex;
use std::{env, fs};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// Tests run side by side; one at a time may write.
static PEN: Mutex<()> = Mutex::new(());

/// Holds README.md to `text` between the lines `<!-- part -->` and `<!-- /part -->`, or, if the
/// environment has UPDATE_README, makes it so.
pub fn says(part: &str, text: &str) {
    let _pen = PEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let readme = fs::read_to_string(README).unwrap();
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- /{part} -->"));
    let Some((before, behind)) = readme.split_once(&begin) else {
        panic!("README.md has no line {begin}");
    };
    let (said, after) = behind.split_once(&end).unwrap_or_else(|| panic!("no line {end}"));
    if env::var_os("UPDATE_README").is_some() {
        fs::write(README, [before, &begin, text, &end, after].concat()).unwrap();
    } else {
        assert!(said == text, "README.md is behind: UPDATE_README=1 cargo test --test it readme");
    }
}
