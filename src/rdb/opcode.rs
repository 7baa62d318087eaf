//! The bytes of a file that say what comes next, if it is no value.

/// Slots of a cluster that are being imported: the name of the task, and ranges.
pub(crate) const SLOT_IMPORT: u8 = 243;
/// How many keys a slot of a cluster has, and how many of them expire.
pub(crate) const SLOT_SIZES: u8 = 244;
/// The code of a library of functions.
pub(crate) const FUNCTION: u8 = 245;
/// A library as it was before functions were released.
pub(crate) const OLD_FUNCTION: u8 = 246;
/// What a module keeps beside keys.
pub(crate) const MODULE_AUX: u8 = 247;
/// Seconds since the next key was used.
pub(crate) const IDLE: u8 = 248;
/// How often the next key was used, a byte.
pub(crate) const FREQUENCY: u8 = 249;
/// What the file says of itself: a name and a text.
pub(crate) const AUX: u8 = 250;
/// How many keys the database has, and how many of them expire.
pub(crate) const SIZES: u8 = 251;
/// When the next key expires, in milliseconds.
pub(crate) const EXPIRY_MS: u8 = 252;
/// When the next key expires, in seconds.
pub(crate) const EXPIRY: u8 = 253;
/// The number of the database that the next keys are in.
pub(crate) const DATABASE: u8 = 254;
/// The end; a checksum follows.
pub(crate) const EOF: u8 = 255;

/// What comes behind this byte.
pub(crate) fn name(byte: u8) -> &'static str {
    match byte {
        SLOT_IMPORT => "import of slots",
        SLOT_SIZES => "sizes of a slot",
        FUNCTION | OLD_FUNCTION => "library of functions",
        MODULE_AUX => "data of a module",
        IDLE | FREQUENCY => "use of a key",
        AUX => "text about the file",
        SIZES => "sizes of a database",
        EXPIRY_MS | EXPIRY => "expiry",
        DATABASE => "number of a database",
        EOF => "end",
        0 => "key or string",
        _ => "key",
    }
}
