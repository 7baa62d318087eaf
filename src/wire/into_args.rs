//! Arguments made of values: `args!["SET", key, 5, blob]`.

use super::args::{Args, OwnedArgs};
use crate::text::{double, number};

/// What a command may be called with: arguments, and slices, arrays and vectors of texts. The name of the command comes
/// first. [`args!`](crate::args) makes some of texts and numbers.
pub trait IntoArgs {
    /// The arguments.
    fn into_args(self) -> OwnedArgs;
}

impl IntoArgs for OwnedArgs {
    fn into_args(self) -> OwnedArgs {
        self
    }
}

impl IntoArgs for &OwnedArgs {
    fn into_args(self) -> OwnedArgs {
        self.clone()
    }
}

impl IntoArgs for Args<'_> {
    fn into_args(self) -> OwnedArgs {
        self.to_owned()
    }
}

impl<T: AsRef<[u8]>> IntoArgs for &[T] {
    fn into_args(self) -> OwnedArgs {
        self.iter().collect()
    }
}

impl<T: AsRef<[u8]>> IntoArgs for Vec<T> {
    fn into_args(self) -> OwnedArgs {
        self.iter().collect()
    }
}

impl<T: AsRef<[u8]>, const N: usize> IntoArgs for [T; N] {
    fn into_args(self) -> OwnedArgs {
        self.iter().collect()
    }
}

impl<T: AsRef<[u8]>, const N: usize> IntoArgs for &[T; N] {
    fn into_args(self) -> OwnedArgs {
        self.iter().collect()
    }
}

impl OwnedArgs {
    /// Adds an argument, as [`args!`](crate::args) does: bytes, a text or a number.
    ///
    /// # Panics
    ///
    /// When all arguments together have 4 GiB or more.
    #[doc(hidden)]
    pub fn push(&mut self, arg: impl Arg) {
        arg.push_to(self);
    }
}

/// One argument: bytes, a text or a number. Doubles are spelled as replies have them: `3`, `0.5`, `inf`.
pub trait Arg {
    /// Adds the argument.
    fn push_to(&self, args: &mut OwnedArgs);
}

impl<T: Arg + ?Sized> Arg for &T {
    fn push_to(&self, args: &mut OwnedArgs) {
        (**self).push_to(args);
    }
}

macro_rules! bytes {
    ($($kind:ty),*) => {$(
        impl Arg for $kind {
            fn push_to(&self, args: &mut OwnedArgs) {
                let bytes: &[u8] = self.as_ref();
                args.push_spelled(|out| out.extend_from_slice(bytes));
            }
        }
    )*};
}

macro_rules! integers {
    ($push:path, $wide:ty: $($kind:ty),*) => {$(
        impl Arg for $kind {
            fn push_to(&self, args: &mut OwnedArgs) {
                args.push_spelled(|out| $push(out, *self as $wide));
            }
        }
    )*};
}

bytes!(str, String, [u8], Vec<u8>);
integers!(number::push_i64, i64: i8, i16, i32, i64, isize);
integers!(number::push_u64, u64: u8, u16, u32, u64, usize);

impl<const N: usize> Arg for [u8; N] {
    fn push_to(&self, args: &mut OwnedArgs) {
        self[..].push_to(args);
    }
}

impl Arg for f64 {
    fn push_to(&self, args: &mut OwnedArgs) {
        args.push_spelled(|out| double::push(out, *self));
    }
}

impl Arg for f32 {
    /// In the digits that tell it from other `f32`s, not in those of the double that it is.
    fn push_to(&self, args: &mut OwnedArgs) {
        self.to_string().parse().unwrap_or_else(|_| f64::from(*self)).push_to(args);
    }
}

/// The arguments of a command, its name first: texts, bytes and numbers, which are not moved.
///
/// ```
/// use respd::args;
///
/// let (key, blob) = (String::from("k"), vec![0, 255]);
/// let mut set = args!["SET", key, blob, "PX", 5 * 60 * 1000];
/// set.push("NX");
/// assert_eq!(format!("{set:?}"), r#"["SET", "k", "\x00\xff", "PX", "300000", "NX"]"#);
/// ```
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "there may be none")]
        let mut args = $crate::OwnedArgs::default();
        $(args.push(&$arg);)*
        args
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(args: impl IntoArgs) -> Vec<String> {
        let args = args.into_args();
        args.args().from(0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn values_are_spelled_as_commands_read_them() {
        let name = "n".to_owned();
        let made = args!["SET", name, &name, b"raw", vec![b'v'], &b"s"[..]];
        assert_eq!(words(&made), ["SET", "n", "n", "raw", "v", "s"]);
        let made = args![-5, 7_u8, u64::MAX, i64::MIN, usize::MIN];
        assert_eq!(words(made), ["-5", "7", "18446744073709551615", "-9223372036854775808", "0"]);
        let made = args![0.5, 3.0, f64::INFINITY, 0.1_f32, -1e30, f32::NEG_INFINITY];
        assert_eq!(words(made), ["0.5", "3", "inf", "0.1", "-1e+30", "-inf"]);
        assert!(words(args![]).is_empty());
    }

    #[test]
    fn what_is_a_list_of_texts_is_arguments() {
        let expected = &["GET", "k"];
        assert_eq!(words(expected), expected);
        assert_eq!(words(*expected), expected);
        assert_eq!(words(&expected[..]), expected);
        assert_eq!(words(vec!["GET".to_owned(), "k".to_owned()]), expected);
        assert_eq!(words(args!["GET", "k"].args()), expected);
    }
}
